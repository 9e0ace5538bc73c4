"""An LSTM over the words."""

from typing import Any, Dict

from sentiment.trainer.architectures.layers import Layers

LSTMS = {"forward": "tokens"}  # the input that each reads
INPUTS = tuple(LSTMS.values())


def features(layers: Layers, inputs: Dict[str, Any]) -> Any:
    """`<float32>[batch, lstm_size]`."""
    tokens = inputs["tokens"]
    return layers.lstm("forward", layers.embedding(tokens), layers.mask(tokens))
