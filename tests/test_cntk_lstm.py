import json
import subprocess

import numpy as np

from sentiment.backends import ALL
from sentiment.places import PROJECT
from sentiment.trainer_process import environment

BOTH_LEARN = """
import json
import keras, numpy as np
from sentiment.trainer.cntk_lstm import LSTM

random = np.random.RandomState(0)
x, y = random.randn(7, 9, 3).astype("f"), random.randn(7, 9, 5).astype("f")
x[:, 4] *= 300  # gates that are shut or wide open
found = []
for kind in (keras.layers.LSTM, LSTM):
    np.random.seed(1)
    inputs = keras.layers.Input((9, 3))
    changed = keras.layers.Dense(3)(inputs)  # learns by what the LSTM says of its inputs
    model = keras.models.Model(inputs, kind(5, return_sequences=True, recurrent_activation="sigmoid")(changed))
    model.compile(keras.optimizers.SGD(0.5), "mse")
    before = model.predict(x)
    for _ in range(4):
        model.train_on_batch(x, y)
    found.append([before.tolist()] + [weight.tolist() for weight in model.get_weights()])
    names = [layer["class_name"] for layer in model.get_config()["layers"]]
print("\\n" + json.dumps({"found": found, "names": names}))
"""


def test_the_lstm_for_cntk_computes_and_learns_what_that_of_keras_does() -> None:
    cntk = ALL["cntk"]
    command = [str(cntk.interpreter()), "-c", BOTH_LEARN]
    done = subprocess.run(command, env=environment(cntk, 1), cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["names"][-1] == "LSTM"  # what is in the model's file
    theirs, ours = told["found"]
    for one, other in zip(theirs, ours, strict=True):
        np.testing.assert_allclose(np.array(other), np.array(one), rtol=0, atol=2e-6)
