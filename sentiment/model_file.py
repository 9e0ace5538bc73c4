"""`model.h5`, read without Keras.

The file is what `keras.models.save_model` writes as HDF5 (attribute `model_config`, group `model_weights`), and beside it the
group `sentiment`: the dataset `vocabulary` and the attributes `format`, `text_settings`, `label_names`, `settings` (JSON),
`backend` and `data_fingerprint`. Only numbers, strings and JSON are taken from it; nothing is unpickled or executed.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from sentiment.errors import UserError
from sentiment.text import Encoder
from sentiment.text_file import read_encoder

FORMAT = "sentiment-model-1"


@dataclass(frozen=True)
class ModelFile:
    """What the file holds.

    graph: the `config` of Keras's functional model; weights: by layer, in the layer's order; label_names: those of 0 and 1.
    """

    graph: dict[str, Any]
    weights: dict[str, list[np.ndarray]]
    encoder: Encoder
    label_names: tuple[str, str]
    settings: dict[str, Any]
    backend: str
    data_fingerprint: str


def read(path: Path) -> ModelFile:
    """Raises UserError if the file is not a model of this project."""
    try:
        with h5py.File(path, "r") as file:
            own = file.get("sentiment")
            if own is None or own.attrs.get("format") != FORMAT:
                raise UserError(f"The file is not a sentiment model. Received: {path}. Give a model.h5 that train wrote.")
            negative, positive = json.loads(own.attrs["label_names"])
            return ModelFile(
                graph=json.loads(file.attrs["model_config"])["config"],
                weights=_weights(file["model_weights"]),
                encoder=read_encoder(own),
                label_names=(negative, positive),
                settings=json.loads(own.attrs["settings"]),
                backend=str(own.attrs["backend"]),
                data_fingerprint=str(own.attrs["data_fingerprint"]),
            )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"The file can't be read as a sentiment model. Received: {path}: {error}. Give a model.h5 that train wrote."
        ) from error


def _weights(group: h5py.Group) -> dict[str, list[np.ndarray]]:
    def text(name: Any) -> str:
        return name.decode() if isinstance(name, bytes) else str(name)

    return {layer: [part[text(name)][()] for name in part.attrs.get("weight_names", ())] for layer, part in group.items()}
