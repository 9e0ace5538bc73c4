"""Two LSTMs over the words, one in each direction."""

from typing import Any, Dict

import keras

from sentiment.trainer.architectures.layers import Layers

INPUTS = ("tokens", "reversed_tokens")


def features(layers: Layers, inputs: Dict[str, Any]) -> Any:
    """`<float32>[batch, 2 * lstm_size]`"""
    directions = {"forward": inputs["tokens"], "backward": inputs["reversed_tokens"]}
    pooled = [layers.lstm(name, layers.embedding(tokens), layers.mask(tokens)) for name, tokens in directions.items()]
    return layers.layer("concatenate", keras.layers.Concatenate)(pooled)
