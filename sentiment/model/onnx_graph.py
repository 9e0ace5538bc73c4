"""A Keras model as an ONNX graph, made from its configuration and its weights, without Keras.

Both generations of configuration are read: Keras 2's (`inbound_nodes` as lists) and Keras 3's (as tensors by name). Only the
kinds of layers in `_LAYERS` are known. Tensors stay as Keras has them, `[batch, time, channels]`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from sentiment.errors import UserError
from sentiment.model import keras_config
from sentiment.model.model_file import ModelFile

OPSET, IR_VERSION = 17, 9
PARTS = ("network_logit", "ngrams_logit")  # layers of which the graph gives the output
ACTIVATIONS = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu", "softmax": "Softmax"}
KNOWN_LSTM = {"activation": "tanh", "go_backwards": False}
GATES: dict[str, dict[str, Any]] = {
    "sigmoid": {},
    # that of Keras 3
    "hard_sigmoid": {"activations": ["HardSigmoid", "Tanh", "Tanh"], "activation_alpha": [1 / 6], "activation_beta": [0.5]},
}
KNOWN_DOT = {"axes": 1, "normalize": False}


def from_keras(model: ModelFile) -> onnx.ModelProto:
    """The graph: inputs as in Keras, `<int32>[batch, time]`; its output `score` is `<float32>[batch, 1]`.

    So are the logits of the parts, PARTS, as far as the model has them.

    Raises:
        UserError: A layer, or an option of one, is not known.
    """
    graph = _Graph(model)
    outputs = model.graph["output_layers"]
    layer, node, _ = outputs if isinstance(outputs[0], str) else outputs[0]
    graph.emit("Identity", [graph.tensor(layer, node)], output="score")
    parts = [part for part in PARTS if part in model.weights]
    for part in parts:
        graph.emit("Identity", [graph.tensor(part, 0)], output=part)
    made = helper.make_graph(
        graph.nodes,
        "sentiment",
        [helper.make_tensor_value_info(name, TensorProto.INT32, ["batch", f"{name} of a row"]) for name in graph.inputs],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 1]) for name in ("score", *parts)],
        graph.constants,
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


class _Graph:
    """The graph as it grows from its output back to its inputs."""

    def __init__(self, model: ModelFile) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.inputs: list[str] = []
        self._layers = {layer["config"]["name"]: layer for layer in model.graph["layers"]}
        self._weights = model.weights
        self._made: dict[tuple[str, int], str] = {}
        self._tables: dict[str, str] = {}

    def tensor(self, layer: str, node: int) -> str:
        """The name of what a layer gives at one of its uses."""
        if (layer, node) not in self._made:
            self._made[layer, node] = self._make(self._layers[layer], node)
        return self._made[layer, node]

    def _make(self, layer: dict[str, Any], node: int) -> str:
        config, kind = layer["config"], layer["class_name"]
        name: str = config["name"]
        if kind == "InputLayer":
            self.inputs.append(name)
            return name
        if kind not in _LAYERS:
            raise UserError(f"The model has a layer that the scorer does not know. Received: {kind}. Known: {', '.join(sorted(_LAYERS))}.")
        inputs = [self.tensor(source, at) for source, at in keras_config.sources(layer["inbound_nodes"][node])]
        return _LAYERS[kind](self, config, inputs, self._weights.get(name, []))

    def emit(self, operator: str, inputs: list[str], output: str | None = None, **options: Any) -> str:
        name = output or f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], **options))
        return name

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values, dtype), name))
        return name

    def table(self, layer: str, rows: np.ndarray) -> str:
        """The constant of an embedding, which two inputs may share."""
        if layer not in self._tables:
            self._tables[layer] = self.constant(rows)
        return self._tables[layer]

    def activate(self, tensor: str, activation: str) -> str:
        if activation == "linear":
            return tensor
        if str(activation) not in ACTIVATIONS:
            raise UserError(
                f"The model has an activation that the scorer does not know. Received: {activation}. Known: {', '.join(ACTIVATIONS)}."
            )
        return self.emit(ACTIVATIONS[activation], [tensor])


Config = dict[str, Any]
Weights = list[np.ndarray]


def _channels_first(graph: _Graph, tensor: str) -> str:
    return graph.emit("Transpose", [tensor], perm=[0, 2, 1])


def _activation(graph: _Graph, config: Config, inputs: list[str], weights: Weights) -> str:
    return graph.activate(inputs[0], config["activation"])


def _same(graph: _Graph, config: Config, inputs: list[str], weights: Weights) -> str:
    return inputs[0]


def _embedding(graph: _Graph, config: Config, inputs: list[str], weights: Weights) -> str:
    return graph.emit("Gather", [graph.table(config["name"], weights[0]), inputs[0]], axis=0)


def _merge(operator: str) -> "Callable[[_Graph, Config, list[str], Weights], str]":
    def merged(graph: _Graph, config: Config, inputs: list[str], weights: Weights) -> str:
        result = inputs[0]
        for other in inputs[1:]:
            result = graph.emit(operator, [result, other])
        return result

    return merged


def _average(graph: _Graph, config: Config, inputs: list[str], weights: Weights) -> str:
    return graph.emit("Mean", inputs)


def _concatenate(graph: _Graph, config: Config, inputs: list[str], weights: Weights) -> str:
    return graph.emit("Concat", inputs, axis=config["axis"])


def _dense(graph: _Graph, config: Config, inputs: list[str], weights: Weights) -> str:
    result = graph.emit("MatMul", [inputs[0], graph.constant(weights[0])])
    if config["use_bias"]:
        result = graph.emit("Add", [result, graph.constant(weights[1])])
    return graph.activate(result, config["activation"])


def _dot(graph: _Graph, config: Config, inputs: list[str], weights: Weights) -> str:
    """Over the steps of two sequences: `[batch, a, b]`."""
    options = {name: config[name] for name in KNOWN_DOT}
    if options != KNOWN_DOT:
        raise UserError(f"The model has a Dot that the scorer does not know. Received: {options}. Known: {KNOWN_DOT}.")
    return graph.emit("MatMul", [_channels_first(graph, inputs[0]), inputs[1]])


def _reshape(graph: _Graph, config: Config, inputs: list[str], weights: Weights) -> str:
    return graph.emit("Reshape", [inputs[0], graph.constant([0, *config["target_shape"]], np.int64)])


def _conv1d(graph: _Graph, config: Config, inputs: list[str], weights: Weights) -> str:
    kernel = weights[0].transpose(2, 1, 0)  # Keras: [width, in, out]
    padding = {"valid": "VALID", "same": "SAME_UPPER"}[config["padding"]]
    biases = [graph.constant(weights[1])] if config["use_bias"] else []
    result = graph.emit(
        "Conv", [_channels_first(graph, inputs[0]), graph.constant(kernel), *biases], auto_pad=padding, strides=list(config["strides"])
    )
    return _channels_first(graph, graph.activate(result, config["activation"]))


def _max_pooling(graph: _Graph, config: Config, inputs: list[str], weights: Weights) -> str:
    padding = {"valid": "VALID", "same": "SAME_UPPER"}[config["padding"]]
    kernel, strides = (list(np.atleast_1d(config[name])) for name in ("pool_size", "strides"))
    pooled = graph.emit("MaxPool", [_channels_first(graph, inputs[0])], auto_pad=padding, kernel_shape=kernel, strides=strides)
    return _channels_first(graph, pooled)


def _flatten(graph: _Graph, config: Config, inputs: list[str], weights: Weights) -> str:
    return graph.emit("Flatten", inputs)


def _global_max(graph: _Graph, config: Config, inputs: list[str], weights: Weights) -> str:
    return graph.emit("ReduceMax", inputs, axes=[1], keepdims=0)


def _zero_padding(graph: _Graph, config: Config, inputs: list[str], weights: Weights) -> str:
    before, after = config["padding"]
    return graph.emit("Pad", [inputs[0], graph.constant([0, before, 0, 0, after, 0], np.int64)])


def _lstm(graph: _Graph, config: Config, inputs: list[str], weights: Weights) -> str:
    options = {name: config[name] for name in KNOWN_LSTM}
    gate = str(config["recurrent_activation"])
    if options != KNOWN_LSTM or gate not in GATES:
        raise UserError(
            f"The model has an LSTM that the scorer does not know. Received: {options}, recurrent_activation {gate}. "
            f"Known: {KNOWN_LSTM}, recurrent_activation {' or '.join(GATES)}."
        )
    units = config["units"]

    def gates(array: np.ndarray) -> np.ndarray:
        """Keras has input, forget, cell, output; ONNX has input, output, forget, cell."""
        i, f, c, o = np.split(array, 4, axis=-1)
        return np.concatenate([i, o, f, c], axis=-1)

    kernel, recurrent = gates(weights[0]).T[None], gates(weights[1]).T[None]
    bias = np.concatenate([gates(weights[2]), np.zeros(4 * units)])[None]
    steps_first = graph.emit("Transpose", [inputs[0]], perm=[1, 0, 2])
    arrays = [graph.constant(array) for array in (kernel, recurrent, bias)]
    outputs = [f"LSTM_{len(graph.nodes)}_all", f"LSTM_{len(graph.nodes)}_last"]
    graph.nodes.append(helper.make_node("LSTM", [steps_first, *arrays], outputs, hidden_size=units, **GATES[gate]))
    if not config["return_sequences"]:
        return graph.emit("Squeeze", [outputs[1], graph.constant([0], np.int64)])
    one_direction = graph.emit("Squeeze", [outputs[0], graph.constant([1], np.int64)])
    return graph.emit("Transpose", [one_direction], perm=[1, 0, 2])


_LAYERS: dict[str, Callable[[_Graph, Config, list[str], Weights], str]] = {
    "Activation": _activation,
    "Add": _merge("Add"),
    "Average": _average,
    "Concatenate": _concatenate,
    "Conv1D": _conv1d,
    "Dense": _dense,
    "Dot": _dot,
    "Dropout": _same,
    "Embedding": _embedding,
    "Flatten": _flatten,
    "GlobalMaxPooling1D": _global_max,
    "LSTM": _lstm,
    "MaxPooling1D": _max_pooling,
    "Multiply": _merge("Mul"),
    "Reshape": _reshape,
    "SpatialDropout1D": _same,
    "ZeroPadding1D": _zero_padding,
}
