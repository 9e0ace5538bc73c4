import json
import subprocess

import numpy as np
import pytest

from sentiment.backends import ALL
from sentiment.places import PROJECT
from sentiment.trainer_process import available_cores, environment

BOTH_LEARN = """
import json
import keras, numpy as np
from sentiment.trainer import framework

random = np.random.RandomState(0)
x, y = random.randn(19, 9, 3).astype("f"), random.randn(19, 9, 5).astype("f")
x[:, 4] *= 30  # gates that are shut or wide open
found = []
for kind in (keras.layers.LSTM, framework.lstm()):
    framework.start_over(1)
    inputs = keras.layers.Input((9, 3))
    changed = keras.layers.Dense(3)(inputs)  # learns by what the LSTM says of its inputs
    model = keras.models.Model(inputs, kind(5, return_sequences=True, recurrent_activation="sigmoid")(changed))
    model.compile(keras.optimizers.SGD(0.5), "mse")
    before = model.predict(x)
    for _ in range(4):
        model.train_on_batch(x, y)
    found.append([before.tolist()] + [weight.tolist() for weight in model.get_weights()])
held = []
if framework.BACKEND in ("tensorflow", "jax"):
    from sentiment.trainer.lstm.held import _held as held
print("\\n" + json.dumps({"found": found, "kind": kind.__module__, "held": len(held)}))
"""


@pytest.mark.parametrize("name", ALL)
def test_the_lstm_computes_and_learns_what_that_of_keras_does(name: str) -> None:
    backend = ALL[name]
    command = [str(backend.interpreter()), "-c", BOTH_LEARN]
    variables = environment(backend, len(available_cores())) | {"CUDA_VISIBLE_DEVICES": ""}  # a GPU is left to Keras's own
    done = subprocess.run(command, env=variables, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["kind"].startswith("sentiment.")
    assert told["held"] == 0  # what a step keeps for its way back is taken
    theirs, ours = told["found"]
    for one, other in zip(theirs, ours, strict=True):
        np.testing.assert_allclose(np.array(other), np.array(one), rtol=0, atol=1e-5)
