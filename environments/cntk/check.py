"""Smoke test: Keras on CNTK takes a training step, and its LSTM is the one that NumPy computes."""

import cntk
import keras
import numpy as np

layer, x, inputs = keras.layers.LSTM(5, recurrent_activation="sigmoid"), np.random.randn(2, 4, 3), keras.Input((4, 3))
model = keras.Model(inputs, layer(inputs))
model.compile("adam", "mse")
assert np.isfinite(model.train_on_batch(x, np.ones((2, 5))))
(kernel, recurrent, bias), h, c = layer.get_weights(), np.zeros((2, 5)), np.zeros((2, 5))
for t in range(4):
    i, f, g, o = np.split(x[:, t] @ kernel + h @ recurrent + bias, 4, axis=1)
    c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
    h = np.tanh(c) / (1 + np.exp(-o))
assert np.allclose(model.predict(x), h, rtol=0, atol=1e-5), "this Keras computes another LSTM on CNTK"
print("CNTK {}, Keras {}, NumPy {}: fine".format(cntk.__version__.strip(), keras.__version__, np.__version__))
