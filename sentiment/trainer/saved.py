"""Models that are built from the configuration in their file: those of Keras 1 and 2, and what became of them in this project.

Keras 2.1.6 reads the former, as it did in its time; every Keras reads the latter. Who asks has looked at every layer before: a
configuration may name a Lambda, with code in it.
"""

import json
from typing import Any, List

import h5py
import keras
import numpy as np

from sentiment.trainer import framework
from sentiment.trainer.batches import Reviews

ROWS = 64  # at once
LATER = ("data_format", "groups", "ragged", "time_major")  # options that Keras 2.1.6 does not have yet


def scores(path: str, reviews: Reviews) -> List[float]:
    """P(positive) of each row of token ids. All rows are of one length."""
    rows = reviews.tokens.ids.reshape(len(reviews.labels), -1)
    model = _model(path, rows.shape[1])
    parts = [np.asarray(model.predict_on_batch(rows[at : at + ROWS]))[:, 0] for at in range(0, len(rows), ROWS)]
    return [float(score) for score in np.concatenate(parts)]


def _model(path: str, length: int) -> Any:
    if framework.VERSION >= "3":
        return keras.models.load_model(path, compile=False)
    with h5py.File(path, "r") as file:
        saved = json.loads(_text(file.attrs["model_config"]))
        version = _text(file["model_weights"].attrs.get("keras_version", "1"))
    if saved["class_name"] == "Sequential" and isinstance(saved["config"], dict):  # from Keras 2.2.3 on
        saved["config"] = saved["config"]["layers"]
    layers = saved["config"] if isinstance(saved["config"], list) else saved["config"]["layers"]
    for layer in layers:
        layer["config"] = {name: value for name, value in layer["config"].items() if name not in LATER}
        if "batch_input_shape" in layer["config"]:
            layer["config"]["batch_input_shape"] = [None, length]
    model = keras.models.model_from_json(json.dumps(saved), {"hard_sigmoid": _hard_sigmoid_of_keras_3} if version >= "3" else None)
    model.load_weights(path)
    return model


def _hard_sigmoid_of_keras_3(x: Any) -> Any:
    return keras.backend.clip(x / 6.0 + 0.5, 0.0, 1.0)


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)
