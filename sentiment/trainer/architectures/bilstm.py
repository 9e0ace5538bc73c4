"""Two LSTMs over the words, one in each direction."""

from typing import Any, Dict

import keras

from sentiment.trainer.architectures.layers import Layers

LSTMS = {"forward": "tokens", "backward": "reversed_tokens"}  # the input that each reads
INPUTS = tuple(LSTMS.values())


def features(layers: Layers, inputs: Dict[str, Any]) -> Any:
    """`<float32>[batch, 2 * lstm_size]`."""
    read = {name: inputs[tokens] for name, tokens in LSTMS.items()}
    pooled = [layers.lstm(name, layers.embedding(tokens), layers.mask(tokens)) for name, tokens in read.items()]
    return layers.layer("concatenate", keras.layers.Concatenate)(pooled)
