"""`model.h5`, read and written without Keras.

The file is what `keras.models.save_model` writes as HDF5 (attribute `model_config`, group `model_weights`), and beside it the
group `sentiment`: what `text_file` writes and the attributes `format`, `label_names`, `settings` (JSON), `backend` and
`data_fingerprint`. Only numbers, strings and JSON are taken from it; nothing is unpickled or executed.

A trainer saves the network by Keras and adds the rest, which `sentiment.model_parts` writes for it.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from sentiment.errors import UserError
from sentiment.text import Encoder
from sentiment.text_file import read_encoder, write_encoder

FORMAT = "sentiment-model-2"
READABLE = (FORMAT, "sentiment-model-1")  # the first had its n-grams in two factors, and no learned combination
LABEL_NAMES = ("negative", "positive")
KERAS = "3.0.0"  # what `write` says that the file is of: `hard_sigmoid` is another function in Keras 2


@dataclass(frozen=True)
class ModelFile:
    """What the file holds.

    graph: the `config` of Keras's functional model; weights: by layer, in the layer's order; label_names: those of 0 and 1;
    settings: train's parameters, or of an older model what is known of it.
    """

    graph: dict[str, Any]
    weights: dict[str, list[np.ndarray]]
    encoder: Encoder
    label_names: tuple[str, str]
    settings: dict[str, Any]
    backend: str
    data_fingerprint: str


def is_ours(path: Path) -> bool:
    """Whether the file is of this project."""
    try:
        with h5py.File(path, "r") as file:
            return "sentiment" in file
    except (OSError, RuntimeError):
        return False


def read(path: Path) -> ModelFile:
    """Raises UserError if the file is not a model of this project."""
    try:
        with h5py.File(path, "r") as file:
            own = file.get("sentiment")
            if own is None or own.attrs.get("format") not in READABLE:
                raise UserError(f"The file is not a sentiment model. Received: {path}. Give a model.h5 that train wrote.")
            negative, positive = json.loads(own.attrs["label_names"])
            return ModelFile(
                graph=json.loads(file.attrs["model_config"])["config"],
                weights=read_weights(file["model_weights"]),
                encoder=read_encoder(own),
                label_names=(negative, positive),
                settings=json.loads(own.attrs["settings"]),
                backend=str(own.attrs["backend"]),
                data_fingerprint=str(own.attrs["data_fingerprint"]),
            )
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"The file can't be read as a sentiment model. Received: {path}: {error}. Give a model.h5 that train wrote."
        ) from error


def write(model: ModelFile, path: Path) -> None:
    """Writes the file whole or not at all, as Keras 2 and 3 open it. The graph has to be of Keras 2's form."""
    unfinished = path.with_suffix(".unfinished")
    with h5py.File(unfinished, "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Model", "config": model.graph}).encode()
        group = file.create_group("model_weights")
        for place in (file, group):
            place.attrs["keras_version"], place.attrs["backend"] = KERAS.encode(), b"tensorflow"
        named = [layer["name"] for layer in model.graph["layers"] if layer["name"] in model.weights]
        group.attrs["layer_names"] = np.array([name.encode() for name in named])
        for name in named:
            arrays = {f"{name}_{place}": array for place, array in enumerate(model.weights[name])}
            part = group.create_group(name)
            part.attrs["weight_names"] = np.array([array.encode() for array in arrays])
            for array_name, array in arrays.items():
                part[array_name] = array
        write_description(file, model.encoder, model.settings, model.backend, model.data_fingerprint)
    unfinished.replace(path)


def write_description(file: h5py.File, encoder: Encoder, settings: dict[str, Any], backend: str, data_fingerprint: str) -> None:
    """The group `sentiment`: all that raw texts need beside the network."""
    own = file.create_group("sentiment")
    own.attrs["format"], own.attrs["backend"], own.attrs["data_fingerprint"] = FORMAT, backend, data_fingerprint
    write_encoder(encoder, own)
    own.attrs["label_names"], own.attrs["settings"] = json.dumps(LABEL_NAMES), json.dumps(settings, sort_keys=True)


def read_weights(group: h5py.Group) -> dict[str, list[np.ndarray]]:
    """The arrays of each layer, in the layer's order."""
    return {layer: [part[as_text(name)][()] for name in part.attrs.get("weight_names", ())] for layer, part in group.items()}


def as_text(value: Any) -> str:
    """A string attribute; each version of Keras and h5py writes its own kind."""
    return value.decode() if isinstance(value, bytes) else str(value)
