"""PyTorch's own LSTM in the place of Keras's, against that."""

import json
import subprocess

import numpy as np
import pytest

from sentiment.backends.interpreters import ALL
from sentiment.paths import PROJECT
from sentiment.training.trainer_environment import available_cores, environment

pytestmark = pytest.mark.slow

BOTH_LEARN = """
import json
import keras, numpy as np
from sentiment.trainer import framework

random = np.random.RandomState(0)
x, y = random.randn(19, 9, 3).astype("f"), random.randn(19, 9, 5).astype("f")
x[:, 4] *= 30  # gates that are shut or wide open
learned = []
for kind in (keras.layers.LSTM, framework.lstm()):
    framework.start_over(1)
    inputs = keras.layers.Input((9, 3))
    changed = keras.layers.Dense(3)(inputs)  # learns by the gradient of the LSTM's inputs
    model = keras.models.Model(inputs, kind(5, return_sequences=True)(changed))
    model.compile(keras.optimizers.SGD(0.5), "mse", jit_compile=False)
    before = model.predict(x)
    for _ in range(4):
        model.train_on_batch(x, y)
    learned.append([before.tolist()] + [weight.tolist() for weight in model.get_weights()])
print("\\n" + json.dumps({"learned": learned, "module": kind.__module__}))
"""


@pytest.mark.parametrize("name", ["tensorflow", "torch"])
def test_the_lstm_of_a_backend_computes_and_learns_what_that_of_keras_does(name: str) -> None:
    backend = ALL[name]
    variables = environment(backend, len(available_cores())) | {"CUDA_VISIBLE_DEVICES": ""}  # on a GPU it is Keras's own
    command = [str(backend.interpreter()), "-c", BOTH_LEARN]
    done = subprocess.run(command, env=variables, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["module"] == f"sentiment.trainer.{name}_lstm"
    for of_keras, of_backend in zip(*answer["learned"], strict=True):
        np.testing.assert_allclose(np.array(of_backend), np.array(of_keras), rtol=0, atol=1e-5)
