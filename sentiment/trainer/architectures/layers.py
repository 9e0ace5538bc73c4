"""The layers that architectures are made of."""

from typing import Any, Dict, List

import keras
import numpy as np

from sentiment.trainer import framework

MASK_BIAS = [np.array([[2]], np.float32), np.array([-2], np.float32)]  # of a Dense layer over the mask: 0 for a token, -2 for padding


class Layers:
    """One set of layers, which the models of all shapes share.

    settings: train's parameters; ids: number of token ids, the rows of the embedding; by_name: the layers made so far.
    """

    def __init__(self, settings: Dict[str, Any], ids: int) -> None:
        self.settings = settings
        self.by_name: Dict[str, Any] = {}
        self._ids = ids

    def layer(self, name: str, kind: Any, *sizes: Any, **options: Any) -> Any:
        """The layer of that name: the same one in every model."""
        assert name not in self.by_name or isinstance(self.by_name[name], kind), name
        if name not in self.by_name:
            self.by_name[name] = kind(*sizes, name=name, **options)
        return self.by_name[name]

    def constant(self, weights: List[np.ndarray], inputs: Any, name: str, kind: Any, *sizes: Any) -> Any:
        """What the layer of that name, which has these weights and is not trained, makes of the inputs."""
        is_new = name not in self.by_name
        layer = self.layer(name, kind, *sizes, trainable=False)
        outputs = layer(inputs)
        if is_new:
            layer.set_weights(weights)
        return outputs

    def dropout(self, name: str) -> Any:
        return self.layer("dropout_" + name, keras.layers.Dropout, self.settings["dropout"])

    def embedding(self, tokens: Any) -> Any:
        """`<float32>[batch, time, embedding_size]`; any numbers at padding."""
        embedding = self.layer("embedding", keras.layers.Embedding, self._ids, self.settings["embedding_size"])(tokens)
        return self.dropout("embedding")(embedding)

    def mask(self, tokens: Any) -> Any:
        """`<float32>[batch, time, 1]`: 1 for a token, 0 for padding."""
        return self.constant([one_but_for_padding(self._ids)], tokens, "mask", keras.layers.Embedding, self._ids, 1)

    def masked(self, name: str, steps: Any, mask: Any) -> Any:
        """The steps, `<float32>[batch, time, channels]`, with zeros at padding."""
        return self.layer("masked_" + name, keras.layers.Multiply)([steps, mask])

    def lstm_layer(self, name: str) -> Any:
        """The LSTM, which puts out its state at each step: `<float32>[batch, time, lstm_size]`; any numbers at padding."""
        framework.share_cores(with_lstm=True)
        return self.layer(
            "lstm_" + name,
            framework.lstm(),
            self.settings["lstm_size"],
            return_sequences=True,
            recurrent_activation="sigmoid",  # named, as Keras 2's default is another function than Keras 3's
            **({"implementation": 2} if framework.VERSION < "3" else {}),
        )

    def lstm(self, name: str, steps: Any, mask: Any) -> Any:
        """The maximum over time of each unit's outputs, padding left out: `<float32>[batch, lstm_size]`."""
        lstm = self.lstm_layer(name)
        mask_bias = self.constant(MASK_BIAS, mask, "mask_bias_" + name, keras.layers.Dense, 1)
        masked = self.layer("masked_lstm_" + name, keras.layers.Add)([lstm(steps), mask_bias])
        return self.layer("max_pool_" + name, keras.layers.GlobalMaxPooling1D)(masked)

    def next_word(self, name: str, tokens: Any, next_tokens: Any, noise: Any) -> Any:
        """Logits after each token, of the next one and of the drawn ones: `<float32>[batch, time, 1 + drawn]`.

        next_tokens: `<int32>[batch, time]`; noise: the vectors of the drawn ones, `<float32>[batch, drawn, embedding_size]`.
        """
        size = self.settings["embedding_size"]
        meant = self.layer("next_word_" + name, keras.layers.Dense, size)(self.lstm_layer(name)(self.embedding(tokens)))
        product = self.layer("next_product_" + name, keras.layers.Multiply)([meant, self.embedding(next_tokens)])
        one = [np.ones((size, 1), np.float32), np.zeros(1, np.float32)]  # Keras sums over the last axis by a Dense layer
        true = self.constant(one, product, "next_logit_" + name, keras.layers.Dense, 1)
        drawn = self.layer("noise_logits_" + name, keras.layers.Dot, 2)([meant, noise])
        return self.layer("logits_" + name, keras.layers.Concatenate, 2)([true, drawn])

    def convolution(self, tokens: Any, mask: Any) -> Any:
        """`<float32>[batch, time, filters]`, not negative; 0 at padding."""
        embedding = self.masked("embedding", self.embedding(tokens), mask)
        sizes = self.settings["filters"], self.settings["kernel_size"]
        steps = self.layer("convolution", keras.layers.Conv1D, *sizes, padding="same", activation="relu")(embedding)
        return self.masked("convolution", steps, mask)


def one_but_for_padding(ids: int) -> np.ndarray:
    """`<float32>[ids, 1]`: the numbers of a mask, 0 for id 0, which is padding."""
    column = np.ones((ids, 1), np.float32)
    column[0] = 0
    return column
