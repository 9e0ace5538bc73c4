"""A convolution over the words, and an LSTM over the maxima of its steps."""

from typing import Any, Dict

import keras

from sentiment.trainer.architectures.layers import Layers

INPUTS = ("tokens",)
POOL = 4  # steps of the convolution that become one step of the LSTM


def features(layers: Layers, inputs: Dict[str, Any]) -> Any:
    """`<float32>[batch, lstm_size]`"""
    tokens = inputs["tokens"]
    mask = layers.mask(tokens)
    steps = _pooled(layers, "convolution", layers.convolution(tokens, mask))
    return layers.lstm("forward", steps, _pooled(layers, "mask", mask))


def _pooled(layers: Layers, name: str, steps: Any) -> Any:
    """The maximum of each POOL steps, from the first on. Zeros are added, so that the last window is whole whatever the length."""
    padded = layers.layer("padded_" + name, keras.layers.ZeroPadding1D, (0, POOL - 1))(steps)
    return layers.layer("pooled_" + name, keras.layers.MaxPooling1D, POOL)(padded)
