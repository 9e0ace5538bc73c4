"""A convolution over the words and a dense layer, as in the Keras example `imdb_cnn` (2015 to 2019), which the sample of 2017 used."""

from typing import Any, Dict

import keras

from sentiment.trainer.architectures.layers import Layers

INPUTS = ("tokens",)


def features(layers: Layers, inputs: Dict[str, Any]) -> Any:
    """`<float32>[batch, dense_size]`"""
    tokens = inputs["tokens"]
    mask = layers.mask(tokens)
    pooled = layers.layer("max_pool", keras.layers.GlobalMaxPooling1D)(layers.convolution(tokens, mask))
    return layers.layer("dense", keras.layers.Dense, layers.settings["dense_size"], activation="relu")(pooled)
