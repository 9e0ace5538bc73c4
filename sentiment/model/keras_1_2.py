"""Models that Keras 1 and 2 saved, as models of this project.

Their files differ from those of Keras 3 in how layers are listed, in what options are called, in the layout of some weights,
and in `hard_sigmoid`: 0.2 x + 0.5 there, x / 6 + 0.5 in Keras 3, each clipped to 0 and 1. The one at x is the other at 1.2 x,
so the weights of an LSTM's gates are multiplied by 1.2.
"""

from pathlib import Path
from typing import Any

import numpy as np

from sentiment.errors import UserError
from sentiment.model import keras_config, keras_file
from sentiment.model.model_file import ModelFile
from sentiment.settings import TextSettings
from sentiment.text.keras_1_2 import OldEncoder, read_words

INPUT = "tokens"
# What Keras 1 called the options of Keras 2.
NEW_NAMES = {
    "bias": "use_bias",
    "border_mode": "padding",
    "filter_length": "kernel_size",
    "inner_activation": "recurrent_activation",
    "nb_filter": "filters",
    "p": "rate",
    "pool_length": "pool_size",
    "stride": "strides",
    "subsample_length": "strides",
}
# The options that a score follows from, by kind of layer; those for training are left out.
OPTIONS: dict[str, tuple[str, ...]] = {
    "Activation": ("activation",),
    "Concatenate": ("axis",),
    "Conv1D": ("filters", "kernel_size", "strides", "padding", "activation", "use_bias"),
    "Dense": ("units", "activation", "use_bias"),
    "Dropout": ("rate",),
    "Embedding": ("input_dim", "output_dim"),
    "Flatten": (),
    "GlobalMaxPooling1D": (),
    "LSTM": ("units", "activation", "recurrent_activation", "return_sequences", "go_backwards"),
    "MaxPooling1D": ("pool_size", "strides", "padding"),
    "SpatialDropout1D": ("rate",),
}
# Options with which a layer would be another one, and the values with which it is not.
KNOWN: dict[str, tuple[Any, ...]] = {
    "mask_zero": (False,),
    "padding": ("valid", "same"),
    "dilation_rate": (1, [1]),
    "data_format": ("channels_last", None),
    "groups": (1,),
    "stateful": (False,),
    "time_major": (False,),
}
GATES = np.array([1.2, 1.2, 1, 1.2])  # input, forget, (cell), output

Layer = dict[str, Any]


def read(path: Path, vocabulary: Path, max_length: int) -> ModelFile:
    """The model of a file that Keras 1 or 2 saved, and of its word index.

    max_length: tokens that it reads, if its file does not fix that.

    Raises:
        UserError: A file is damaged or something else, or the model has a layer or an option that is not known.
    """
    model = keras_file.read(path)
    try:
        graph = _graph(model.saved, max_length)
        weights = {layer["name"]: _weights(layer, model.weights.get(layer["name"], []), model.backend) for layer in graph["layers"]}
        rows = min(len(weights[layer["name"]][0]) for layer in graph["layers"] if layer["class_name"] == "Embedding")
        length = graph["layers"][0]["config"]["batch_input_shape"][1]
        encoder = OldEncoder(TextSettings(vocabulary_size=rows, max_length=length), read_words(vocabulary, rows))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise UserError(
            f"The file can't be read as a model of Keras 1 or 2. Received: run={path}: {error!r}. {keras_file.ADVICE}"
        ) from error
    return ModelFile(
        graph=graph,
        weights={layer: its for layer, its in weights.items() if its},
        encoder=encoder,
        label_names=("negative", "positive"),
        settings={
            "keras_version": model.version or "1",
            "keras_backend": model.backend or "unknown",
            "max_length": length,
            "vocabulary_size": rows,
        },
        backend=model.backend or "unknown",
        data_fingerprint="",
    )


def _graph(saved: dict[str, Any], max_length: int) -> dict[str, Any]:
    """The configuration of a functional model as Keras 2 and 3 read it, its input first."""
    config = saved["config"]
    if saved["class_name"] == "Sequential":
        config = _chained(config if isinstance(config, list) else config["layers"])
    inputs = [layer for layer in config["layers"] if layer["class_name"] == "InputLayer"]
    if (len(inputs), len(config["output_layers"])) != (1, 1):
        counts = f"{len(inputs)} inputs, {len(config['output_layers'])} outputs"
        raise UserError(f"The model reads or gives more than one thing. Received: {counts}. Give one with one input and one output.")
    input_layer, output = inputs[0]["config"], config["output_layers"][0][0]
    shape = [None, input_layer["batch_input_shape"][1] or max_length]
    entry = {"name": INPUT, "batch_input_shape": shape, "dtype": "int32", "sparse": False}
    layers: list[Layer] = [{"class_name": "InputLayer", "name": INPUT, "config": entry, "inbound_nodes": []}]
    layers += [_layer(layer, input_layer["name"]) for layer in config["layers"] if layer is not inputs[0]]
    graph = {"name": "model", "layers": layers, "input_layers": [[INPUT, 0, 0]], "output_layers": [[output, 0, 0]]}
    if other := keras_config.other_output(graph):
        raise UserError(f"The model's output is not one probability. Received: {other}. Give a model that ends in one unit with a sigmoid.")
    return graph


def _chained(layers: list[Layer]) -> dict[str, Any]:
    """The layers of a Sequential model as those of a functional one."""
    if layers[0]["class_name"] != "InputLayer":
        shape = layers[0]["config"].get("batch_input_shape", [None, None])
        layers = [{"class_name": "InputLayer", "config": {"name": INPUT, "batch_input_shape": shape}}, *layers]
    names = [layer["config"]["name"] for layer in layers]
    nodes = [[], *([[[before, 0, 0]]] for before in names)]
    return {
        "layers": [layer | {"inbound_nodes": node} for layer, node in zip(layers, nodes, strict=False)],
        "output_layers": [[names[-1], 0, 0]],
    }


def _layer(layer: Layer, entry: str) -> Layer:
    """A layer with the options that count, under their names of today; `entry` is what the input was called."""
    kind = layer["class_name"].replace("Convolution1D", "Conv1D")
    if kind not in OPTIONS:
        raise UserError(f"The model has a layer that can't be brought in. Received: {kind}. Known: {', '.join(OPTIONS)}.")
    options = {NEW_NAMES.get(name, name): value for name, value in layer["config"].items()}
    if kind in ("Dense", "LSTM"):
        options.setdefault("units", options.get("output_dim"))
    for name, values in KNOWN.items():
        if name in options and options[name] not in values:
            raise UserError(
                f"A layer has an option that can't be brought in. Received: {kind} with {name}={options[name]}. Known: {name}={values[0]}."
            )
    config = {"name": options["name"]} | {name: options[name] for name in OPTIONS[kind]}
    config |= {name: np.atleast_1d(config[name]).tolist() for name in ("kernel_size", "strides", "pool_size") if name in config}
    nodes = [[[INPUT if source == entry else source, at, tensor, {}] for source, at, tensor, *_ in node] for node in layer["inbound_nodes"]]
    return {"class_name": kind, "name": options["name"], "config": config, "inbound_nodes": nodes}


def _weights(layer: Layer, arrays: list[np.ndarray], backend: str) -> list[np.ndarray]:
    """A layer's weights as Keras 3 has them."""
    kind, config = layer["class_name"], layer["config"]
    if kind == "LSTM" and len(arrays) == 12:  # Keras 1: kernel, recurrent kernel and bias of input, cell, forget, output
        arrays = [np.concatenate([arrays[gate * 3 + part] for gate in (0, 2, 1, 3)], axis=-1) for part in range(3)]
    expected = {"Embedding": 1, "LSTM": 3, "Conv1D": 1 + config.get("use_bias", 0), "Dense": 1 + config.get("use_bias", 0)}.get(kind, 0)
    if len(arrays) != expected:
        raise ValueError(f"{config['name']} has {len(arrays)} arrays of weights, not {expected}")
    if kind == "LSTM" and config["recurrent_activation"] == "hard_sigmoid":
        arrays = [(array * np.repeat(GATES, config["units"])).astype(np.float32) for array in arrays]
    if kind == "Conv1D":
        arrays = [_kernel(arrays[0], config, backend), *arrays[1:]]
    return arrays


def _kernel(kernel: np.ndarray, config: dict[str, Any], backend: str) -> np.ndarray:
    """`<float32>[width, in, out]`."""
    if kernel.ndim == 4:  # Keras 1: [width, 1, in, out], or [out, in, width, 1] before Keras 1.2
        if kernel.shape[:2] != (*config["kernel_size"], 1) or kernel.shape[3] != config["filters"]:
            kernel = kernel.transpose(2, 3, 1, 0)
        kernel = kernel[:, 0]
    return kernel[::-1] if backend == "theano" else kernel  # which turns kernels round
