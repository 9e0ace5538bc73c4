"""`model.h5`, read and written without Keras.

The file is what `keras.models.save_model` writes as HDF5 (attribute `model_config`, group `model_weights`), and beside it the
group `sentiment`: what `vocabulary_file` and `reference` write, and the attributes `format`, `label_names`, `settings` (JSON), `backend`,
`data_fingerprint` and `threshold`, which earlier files lack. Only numbers, strings and JSON are taken from it, all of which has to
fit together; nothing is unpickled or executed.

A trainer saves the network by Keras and adds the rest, which `sentiment.training.model_parts` writes for it.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from sentiment import hdf5
from sentiment.errors import UserError
from sentiment.hdf5 import Group
from sentiment.model import earlier_names, keras_config, keras_file, reference
from sentiment.model.keras_file import KerasFile
from sentiment.model.reference import Reference
from sentiment.settings import ARCHITECTURES, SIZES
from sentiment.settings.threshold import DEFAULT as THRESHOLD
from sentiment.text.vocabulary import Encoder
from sentiment.text.vocabulary_file import read_encoder, write_encoder

FORMAT = "sentiment-model-3"
# The second had other names of layers, the first also its n-grams in two factors, and no learned combination.
READABLE = (FORMAT, "sentiment-model-2", "sentiment-model-1")
LABEL_NAMES = ("negative", "positive")
# The layer that has each size of an architecture, and where: which of its arrays, along which axis.
PLACES = {
    "embedding_size": ("embedding", 0, 1),
    "lstm_size": ("lstm_forward", 1, 0),
    "filters": ("convolution", 0, 2),
    "kernel_size": ("convolution", 0, 0),
    "dense_size": ("dense", 0, 1),
}
KERAS = "3.0.0"  # what `write` says that the file is of: `hard_sigmoid` is another function in Keras 2


@dataclass(frozen=True)
class ModelFile:
    """What the file holds.

    graph: the `config` of Keras's functional model; weights: by layer, in the layer's order; label_names: those of 0 and 1;
    settings: train's parameters, or of an older model what is known of it; reference: None in files of before there was one;
    threshold: the score from which on a text is of label 1.
    """

    graph: dict[str, Any]
    weights: dict[str, list[np.ndarray]]
    encoder: Encoder
    label_names: tuple[str, str]
    settings: dict[str, Any]
    backend: str
    data_fingerprint: str
    reference: Reference | None = None
    threshold: float = THRESHOLD


def is_ours(path: Path) -> bool:
    """Whether the file is of this project, damaged or not."""
    try:
        with hdf5.reading(path, "", "") as file:
            return "sentiment" in file
    except UserError:
        return False


def read(path: Path) -> ModelFile:
    """Raises UserError if the file is not a model of this project, or anything in it is not known or does not fit the rest."""
    with hdf5.reading(path, "a sentiment model", "Give a model.h5 that train wrote.") as file:
        version = file.group("sentiment").text("format", "") if "sentiment" in file else ""
        if version not in READABLE:
            raise ValueError("it is not a sentiment model of a known format")
        own = file.group("sentiment")
        saved = json.loads(file.text("model_config"))
        keras_config.check(saved)
        graph, encoder = saved["config"], read_encoder(own)
        if not isinstance(graph, dict):
            raise ValueError("its layers are a list, without their inputs")
        if other := keras_config.other_output(graph):
            raise ValueError(f"its output is not one probability, but {other}")
        weights = _read_weights(graph, file.group("model_weights"))
        settings = _settings(json.loads(own.text("settings")))
        if version != FORMAT and "architecture" in settings:
            graph, weights = earlier_names.bring_up_to_date(graph, weights)
        _check_rows(graph, encoder)
        _check_sizes(settings, weights)
        return ModelFile(
            graph=graph,
            weights=weights,
            encoder=encoder,
            label_names=_label_names(json.loads(own.text("label_names"))),
            settings=settings,
            backend=own.text("backend", pattern="[a-z]{1,20}"),
            data_fingerprint=own.text("data_fingerprint", pattern="[0-9a-f]{0,64}"),
            reference=reference.read(own),
            threshold=own.number("threshold", THRESHOLD, 0, 1),
        )


def _read_weights(graph: dict[str, Any], group: Group) -> dict[str, list[np.ndarray]]:
    """Those of each layer that has some, in the layer's order, as its options say that they are."""
    weights = {}
    for layer in graph["layers"]:
        name, shapes = layer["config"]["name"], keras_config.weight_shapes(layer)
        arrays = keras_file.read_arrays(group, name)
        if len(arrays) != len(shapes):
            raise ValueError(f"the layer {name} has {len(arrays)} arrays of weights, not {len(shapes)}")
        for array, shape in zip(arrays, shapes, strict=True):
            hdf5.check_shape(f"a weight of {name}", array.shape, shape)
        if arrays:
            weights[name] = arrays
    return weights


def _check_rows(graph: dict[str, Any], encoder: Encoder) -> None:
    """That each embedding of an input has a row for each id that the input may have."""
    rows = {"tokens": encoder.size, "reversed_tokens": encoder.size, "ngrams": len(encoder.ngrams) + 1}
    for layer in graph["layers"]:
        inputs = {name for node in layer["inbound_nodes"] for name, _ in keras_config.sources(node)}
        for name in inputs & set(rows) if layer["class_name"] == "Embedding" else ():
            if layer["config"]["input_dim"] < rows[name]:
                raise ValueError(f"the layer {layer['config']['name']} has {layer['config']['input_dim']} rows for {rows[name]} ids")


def _settings(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(each is None or isinstance(each, str | int | float) for each in value.values()):
        raise ValueError("its settings are not names with values")
    return value


def _check_sizes(settings: dict[str, Any], weights: dict[str, list[np.ndarray]]) -> None:
    """That the sizes in the settings, by which a trainer builds the network anew, are those of the weights."""
    if "architecture" not in settings:
        return
    if settings["architecture"] not in ARCHITECTURES:
        raise ValueError(f"there is no architecture {settings['architecture']}")
    for size in SIZES[settings["architecture"]]:
        layer, array, axis = PLACES[size]
        if layer not in weights:
            raise ValueError(f"it has no layer {layer}, of which {size} is a size")
        actual = weights[layer][array].shape[axis]
        if settings[size] != actual or type(settings[size]) is not int:
            raise ValueError(f"its settings have {size}={settings[size]}, its weights {actual}")


def _label_names(value: Any) -> tuple[str, str]:
    match value:
        case [str(negative), str(positive)] if negative != positive:
            return negative, positive
    raise ValueError(f"its label_names are {str(value)[:80]}, not two names")


def write(model: ModelFile, path: Path) -> None:
    """Writes the file whole or not at all, as Keras 2 and 3 open it. The graph has to be of Keras 2's form."""
    with hdf5.writing(path) as file:
        saved = {"class_name": "Model", "config": model.graph}
        named = [layer["config"]["name"] for layer in model.graph["layers"]]
        weights = {name: model.weights[name] for name in named if name in model.weights}
        keras_file.write(KerasFile(saved, weights, KERAS, "tensorflow"), file)
        own = write_description(
            file, model.encoder, model.settings, model.backend, model.data_fingerprint, model.label_names, model.threshold
        )
        if model.reference:
            reference.write(model.reference, own)


def write_description(
    file: h5py.File,
    encoder: Encoder,
    settings: dict[str, Any],
    backend: str,
    data_fingerprint: str,
    label_names: tuple[str, str] = LABEL_NAMES,
    threshold: float = THRESHOLD,
) -> h5py.Group:
    """The group `sentiment`: all that raw texts need beside the network."""
    own = file.create_group("sentiment")
    own.attrs["format"], own.attrs["backend"], own.attrs["data_fingerprint"] = FORMAT, backend, data_fingerprint
    own.attrs["threshold"] = threshold
    write_encoder(encoder, own)
    own.attrs["label_names"], own.attrs["settings"] = json.dumps(label_names), json.dumps(settings, sort_keys=True)
    return own
