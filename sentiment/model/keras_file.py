"""What Keras saves of a model as HDF5: its configuration and its weights. Read without Keras, and written as Keras 2 and 3 open it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from sentiment import hdf5
from sentiment.model import keras_config

VERSION = r"|\d+(\.\d+){1,2}(-tf)?"
ADVICE = "Give what its model.save wrote, in HDF5."


@dataclass(frozen=True)
class KerasFile:
    """saved: `model_config`, checked; weights: of the layers that have some, in the file's order; version, backend: of Keras, or empty."""

    saved: dict[str, Any]
    weights: dict[str, list[np.ndarray]]
    version: str
    backend: str


def read(path: Path) -> KerasFile:
    """Raises UserError if the file is not of Keras 1 or 2, or anything in its configuration is not known."""
    with hdf5.reading(path, "a model of Keras 1 or 2", ADVICE) as file:
        saved = json.loads(file.text("model_config"))
        keras_config.check(saved)
        group = file.group("model_weights")
        version = group.text("keras_version", "", VERSION)
        backend = group.text("backend", "", "[a-z]{0,20}")
        weights = {name: read_arrays(group, name) for name in group.texts("layer_names")}
        return KerasFile(saved, {name: arrays for name, arrays in weights.items() if arrays}, version, backend)


def read_arrays(weights: hdf5.Group, layer: str) -> list[np.ndarray]:
    """The arrays of one layer, in its order. Raises ValueError for one that has a value which is no number."""
    if layer not in weights:
        return []
    group = weights.group(layer)
    arrays = [group.array(name, "f", None) for name in group.texts("weight_names")]
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError(f"the layer {layer} has weights that are not numbers")
    return arrays


def write(model: KerasFile, file: h5py.File) -> None:
    """Into a new file."""
    file.attrs["model_config"] = json.dumps(model.saved).encode()
    group = file.create_group("model_weights")
    for name, value in (("keras_version", model.version), ("backend", model.backend)):
        for owner in (file, group) if value else ():
            owner.attrs[name] = value.encode()
    group.attrs["layer_names"] = np.array([name.encode() for name in model.weights])
    for layer, arrays in model.weights.items():
        part = group.create_group(layer)
        part.attrs["weight_names"] = np.array([f"{layer}_{index}".encode() for index in range(len(arrays))])
        for index, array in enumerate(arrays):
            part[f"{layer}_{index}"] = array
