"""The configuration of a Keras model, checked whole: Keras builds what is written there, and that may be code.

Every class, option, nested object and name of a configuration of Keras 1, 2 or 3 has to be on the lists below, also where no
score depends on it. Nothing is built here.
"""

import graphlib
from typing import Any

import numpy as np

from sentiment.hdf5 import check_name

MODELS = ("Sequential", "Model", "Functional")
MODEL_KEYS = {"class_name", "config", "keras_version", "backend"}
FUNCTIONAL_KEYS = {"name", "trainable", "layers", "input_layers", "output_layers"}
SEQUENTIAL_KEYS = {"name", "trainable", "layers", "build_input_shape"}
LAYER_KEYS = {"class_name", "config", "name", "inbound_nodes"}
ACTIVATIONS = {"linear", "sigmoid", "hard_sigmoid", "tanh", "relu", "softmax"}
MOST_LAYERS = 500
MOST_PADDING = 1000  # steps that a layer may add at each end of a text

_ANY = {"name", "trainable", "dtype", "batch_input_shape", "activity_regularizer", "quantization_config"}
_WEIGHTED = {
    f"{weight}_{rule}" for weight in ("kernel", "recurrent", "bias", "embeddings") for rule in ("initializer", "regularizer", "constraint")
}
_KERAS_1 = {"init", "inner_init", "forget_bias_init", "W_regularizer", "U_regularizer", "b_regularizer", "W_constraint", "b_constraint",
            "input_dim", "output_dim", "input_length", "weights", "consume_less", "dropout_W", "dropout_U", "dropout"}  # fmt: skip
_CONVOLUTION = {"filters", "kernel_size", "strides", "padding", "dilation_rate", "data_format", "groups", "activation", "use_bias",
                "nb_filter", "filter_length", "subsample_length", "border_mode", "bias"}  # fmt: skip
_POOLING = {"pool_size", "strides", "padding", "data_format", "pool_length", "stride", "border_mode"}
_DROPOUT = {"rate", "p", "noise_shape", "seed"}
# The options of each kind of layer, under the names of Keras 1 to 3.
OPTIONS: dict[str, set[str]] = {
    "Activation": {"activation"},
    "Add": set(),
    "Average": set(),
    "Concatenate": {"axis"},
    "Conv1D": _CONVOLUTION | _WEIGHTED,
    "Convolution1D": _CONVOLUTION | _WEIGHTED | _KERAS_1,
    "Dense": {"units", "activation", "use_bias", "bias"} | _WEIGHTED | _KERAS_1,
    "Dot": {"axes", "normalize"},
    "Dropout": _DROPOUT,
    "Embedding": {"input_dim", "output_dim", "mask_zero", "input_length"} | _WEIGHTED | _KERAS_1,
    "Flatten": {"data_format"},
    "GlobalMaxPooling1D": {"data_format", "keepdims"},
    "InputLayer": {"batch_shape", "sparse", "ragged", "optional", "input_dtype"},
    "LSTM": {"units", "activation", "recurrent_activation", "inner_activation", "use_bias", "unit_forget_bias", "dropout", "seed",
             "recurrent_dropout", "implementation", "return_sequences", "return_state", "go_backwards", "stateful", "unroll",
             "time_major", "zero_output_for_mask"} | _WEIGHTED | _KERAS_1,
    "MaxPooling1D": _POOLING,
    "Multiply": set(),
    "Reshape": {"target_shape"},
    "SpatialDropout1D": _DROPOUT,
    "ZeroPadding1D": {"padding", "data_format"},
}  # fmt: skip
# Objects that may stand as an option's value. None of them runs anything.
OBJECTS = {"RandomUniform", "RandomNormal", "TruncatedNormal", "VarianceScaling", "GlorotUniform", "GlorotNormal", "HeNormal", "HeUniform",
           "LecunNormal", "LecunUniform", "Orthogonal", "Zeros", "Ones", "Constant", "L1L2", "L1", "L2", "DTypePolicy", "MaxNorm", "NonNeg",
           "UnitNorm"}  # fmt: skip
OBJECT_OPTIONS = {"name", "dtype", "seed", "value", "minval", "maxval", "mean", "stddev", "scale", "mode", "distribution", "gain", "l1",
                  "l2", "max_value", "axis", "input_axes", "output_axes"}  # fmt: skip
# Options whose value may be a word; all others are numbers, or lists of them.
WORDS = {"name", "dtype", "input_dtype", "padding", "border_mode", "data_format", "consume_less", "init", "inner_init", "forget_bias_init",
         "mode", "distribution"} | _WEIGHTED  # fmt: skip
OBJECT_MODULES = (None, "keras", "keras.initializers", "keras.regularizers", "keras.constraints", "builtins")


def check(saved: Any) -> None:
    """Raises ValueError, naming it, for the first thing in `model_config` that is not known."""
    _check_keys("the model", saved, MODEL_KEYS)
    kind, config = saved["class_name"], saved["config"]
    if kind not in MODELS:
        raise ValueError(f"the model is a {str(kind)[:50]}, not one of {', '.join(MODELS)}")
    if isinstance(config, dict):
        _check_keys("the model", config, SEQUENTIAL_KEYS if kind == "Sequential" else FUNCTIONAL_KEYS)
        check_name(config.get("name", "model"))
        for name in ("input_layers", "output_layers", "build_input_shape"):
            _check_plain(name, config.get(name))
    layers = config["layers"] if isinstance(config, dict) else config
    if not isinstance(layers, list) or not 0 < len(layers) <= MOST_LAYERS:
        raise ValueError(f"the model's layers are not a list of 1 to {MOST_LAYERS}")
    for layer in layers:
        _check_layer(layer)
    names = [layer["config"]["name"] for layer in layers if "name" in layer["config"]]
    if len(set(names)) < len(names):
        raise ValueError("two layers have one name")
    if kind != "Sequential":
        _check_order(layers)


def sources(node: Any) -> list[tuple[str, int]]:
    """(layer, use) of each input of an inbound node, in the form of Keras 2 or 3. Raises ValueError for any other form."""
    if isinstance(node, list):  # Keras 2: [[layer, use, tensor, options], ...]
        for name, use, tensor, *options in node:
            if type(use) is not int or type(tensor) is not int or options not in ([], [{}]):
                raise ValueError("a layer is called with options that are not known")
            check_name(name)
        return [(name, use) for name, use, *_ in node]
    _check_keys("a call", node, {"args", "kwargs"})
    if any(value not in (None, False) for value in node.get("kwargs", {}).values()) or set(node.get("kwargs", {})) - {"training", "mask"}:
        raise ValueError("a layer is called with options that are not known")
    tensors = [each for argument in node["args"] for each in (argument if isinstance(argument, list) else [argument])]
    return [_history(tensor) for tensor in tensors]


def other_output(graph: dict[str, Any]) -> str:
    """What a functional model gives in place of one probability, in words; nothing, if it gives that: one unit with a sigmoid.

    graph: the configuration. Raises LookupError, TypeError or ValueError if there is not just one output.
    """
    outputs, layers = graph["output_layers"], {layer["config"]["name"]: layer for layer in graph["layers"]}
    if not isinstance(outputs[0], str):
        (outputs,) = outputs
    name, use, _ = outputs
    last = layers[name]
    activation = last["config"].get("activation")
    if last["class_name"] == "Activation":
        ((before, _),) = sources(last["inbound_nodes"][use])
        last = layers[before]
    kind, units = last["class_name"], last["config"].get("units")
    return "" if (kind, units, activation) == ("Dense", 1, "sigmoid") else f"{kind} of {units} units, {activation}"


def weight_shapes(layer: dict[str, Any]) -> list[tuple[int | None, ...]]:
    """The shapes of a layer's weights as Keras 2 and 3 have them, None where its input decides."""
    kind, config = layer["class_name"], layer["config"]
    bias = bool(config.get("use_bias", True))
    if kind == "Embedding":
        return [(config["input_dim"], config["output_dim"])]
    if kind == "LSTM":
        units = config["units"]
        return [(None, 4 * units), (units, 4 * units), (4 * units,)]
    if kind == "Dense":
        return [(None, config["units"]), (config["units"],)][: 1 + bias]
    if kind == "Conv1D":
        return [(config["kernel_size"][0], None, config["filters"]), (config["filters"],)][: 1 + bias]
    return []


def _check_layer(layer: Any) -> None:
    _check_keys("a layer", layer, LAYER_KEYS)
    kind = layer["class_name"]
    if kind not in OPTIONS:
        raise ValueError(f"a layer of kind {str(kind)[:50]} is not known; known are {', '.join(OPTIONS)}")
    config = layer["config"]
    _check_keys(f"a layer {kind}", config, OPTIONS[kind] | _ANY)
    for name in {layer.get("name", "layer"), config.get("name", "layer")}:
        check_name(name)
    for name, value in config.items():
        if name.endswith("activation"):
            if not isinstance(value, str) or value not in ACTIVATIONS:
                raise ValueError(f"{kind} has {name}={str(value)[:80]}; known are {', '.join(sorted(ACTIVATIONS))}")
        elif isinstance(value, dict):
            _check_object(f"{kind} with {name}", value)
        else:
            _check_option(f"{kind} with {name}", name, value)
    if kind == "ZeroPadding1D" and not all(each <= MOST_PADDING for each in np.atleast_1d(config.get("padding", 0))):
        raise ValueError(f"{kind} adds {str(config['padding'])[:80]} steps, which may be {MOST_PADDING}")


def _check_order(layers: list[dict[str, Any]]) -> None:
    """That every layer's inputs are layers, and none leads back to itself."""
    inputs = {layer["config"]["name"]: {name for node in layer["inbound_nodes"] for name, _ in sources(node)} for layer in layers}
    unknown = set().union(*inputs.values()) - set(inputs)
    if unknown:
        raise ValueError(f"there is no layer {min(unknown)}")
    try:
        graphlib.TopologicalSorter(inputs).prepare()
    except graphlib.CycleError as error:
        raise ValueError(f"layers are in a cycle: {', '.join(error.args[1])}") from error


def _history(tensor: Any) -> tuple[str, int]:
    _check_keys("an input", tensor, {"class_name", "config"})
    if tensor["class_name"] != "__keras_tensor__":
        raise ValueError("an input is not a tensor")
    _check_keys("an input", tensor["config"], {"shape", "dtype", "keras_history"})
    name, use, index = tensor["config"]["keras_history"]
    if type(use) is not int or type(index) is not int:
        raise ValueError("an input is not a tensor")
    return check_name(name), use


def _check_object(what: str, value: dict[str, Any]) -> None:
    _check_keys(what, value, {"module", "class_name", "config", "registered_name"})
    known = value["class_name"] in OBJECTS and value.get("module") in OBJECT_MODULES
    if not known or value.get("registered_name") not in (None, value["class_name"]) or not isinstance(value["config"], dict):
        raise ValueError(f"{what}={str(value)[:80]} is not known")
    _check_keys(what, value["config"], OBJECT_OPTIONS)
    for name, each in value["config"].items():
        _check_option(f"{what} of {name}", name, each)


def _check_option(what: str, name: str, value: Any) -> None:
    if isinstance(value, str) and name not in WORDS:
        raise ValueError(f"{what[:80]}={value[:80]} is not known")
    _check_plain(what, value)


def _check_plain(what: str, value: Any, depth: int = 3) -> None:
    if isinstance(value, list) and depth:
        for each in value:
            _check_plain(what, each, depth - 1)
    elif not (value is None or isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= 200)):
        raise ValueError(f"{what[:80]}={str(value)[:80]} is not known")


def _check_keys(what: str, value: Any, known: set[str]) -> None:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is not described by names and values")
    unknown = set(value) - known
    if unknown:
        raise ValueError(f"{what} has {min(map(str, unknown))[:80]}, which is not known")
