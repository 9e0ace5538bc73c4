"""The models, each of standard Keras layers, the same for every backend.

A score must not depend on how far a review is padded. Masks would do it, but take JAX and PyTorch off their fast path, and
CNTK's pooling does not know them. So padding is at the end, and is kept out by numbers: `present`, a frozen embedding, is 1
for a token and 0 for padding. Convolutions see zeros there, as beyond the end. What an LSTM puts out at padding is lowered
by 2, its outputs being within -1 and 1, before the maximum over time is taken. The backward LSTM reads the reversed tokens,
a second input, also padded at the end.

Beside any of them, where the data have n-grams, stands what these say, which `sentiment.ngram_weights` has learned. Only the
network is trained here, by itself: beside the n-grams, which are quick to learn, it would be left nothing to learn.
"""

from typing import Any, Callable, Dict, List, Optional, Tuple

import keras
import numpy as np

from sentiment.trainer import framework

POOL = 4  # cnn-lstm: positions that become one step of the LSTM
BACKWARD = ("bilstm",)  # the architectures that also read the reversed tokens

NETWORK_WEIGHT = 0.1  # of its logit, beside that of the n-grams, which are right more often

NGRAM_LAYERS = ("ratios", "ngram_weights")

Inputs = Dict[str, Any]
Shape = Tuple[Optional[int], Optional[int]]  # None: any length


class Network:
    """One set of layers, and models over it.

    settings: train's parameters; ids: number of token ids, the rows of the embedding; ngrams: how many are known; lstm: the class
    of LSTM layers, if not the backend's.
    """

    def __init__(self, settings: Dict[str, Any], ids: int, ngrams: int, lstm: Any = None) -> None:
        self.settings, self._lstm_class = settings, lstm or framework.lstm()
        self.trained_inputs = ["tokens"] + ["reversed_tokens"] * (settings["architecture"] in BACKWARD)
        self.inputs = self.trained_inputs + ["ngrams"] * (ngrams > 0)
        self._layers: Dict[str, Any] = {}
        self._ids, self.ngrams = ids, ngrams
        self._models: Dict[Tuple[str, Shape], Any] = {}

    def model(self, shape: Shape) -> Any:
        """The model for so many tokens and n-grams, `<int32>[batch, length]` each; its output is `<float32>[batch, 1]`, P(positive)."""
        return self._model("score", shape, self.inputs, self._logit)

    def trained(self, shape: Shape) -> Any:
        """The part that is trained, without the n-grams."""
        return self._model("network_score", shape, self.trained_inputs, self._network_logit)

    def _model(self, output: str, shape: Shape, names: List[str], logit: Callable[[Inputs], Any]) -> Any:
        """Built once: scoring asks for it at every batch."""
        if (output, shape) not in self._models:
            lengths = {"tokens": shape[0], "reversed_tokens": shape[0], "ngrams": shape[1]}
            inputs = {name: keras.layers.Input(shape=(lengths[name],), dtype="int32", name=name) for name in names}
            score = self._layer(output, keras.layers.Activation, "sigmoid")(logit(inputs))
            self._models[output, shape] = keras.models.Model(list(inputs.values()), score)
            self._freeze()
        return self._models[output, shape]

    def _network_logit(self, inputs: Inputs) -> Any:
        features = BUILDERS[self.settings["architecture"]](self, inputs)
        return self._layer("network_logit", keras.layers.Dense, 1)(self._dropout("features")(features))

    def _logit(self, inputs: Inputs) -> Any:
        """What the n-grams say, and a little of what the network says."""
        if not self.ngrams:
            return self._network_logit(inputs)
        both = self._layer("logits", keras.layers.Concatenate)([self._network_logit(inputs), self._ngram_sum(inputs["ngrams"])])
        return self._layer("weighed_logit", keras.layers.Dense, 1, trainable=False)(both)

    def _ngram_sum(self, ngrams: Any) -> Any:
        """The sum of a review's n-grams, ratio times weight of each: `[batch, 1]`. Those of padding are 0."""
        columns = [self._layer(name, keras.layers.Embedding, self.ngrams + 1, 1, trainable=False)(ngrams) for name in NGRAM_LAYERS]
        return self._layer("ngram_sum", keras.layers.Reshape, (1,))(self._layer("ngram_products", keras.layers.Dot, 1)(columns))

    def set_ngrams(self, ratios: np.ndarray, weights: np.ndarray, bias: float) -> None:
        """What `sentiment.ngram_weights` has learned; `<float32>[ngrams + 1]` each."""
        for name, column in zip(NGRAM_LAYERS, (ratios, weights)):
            self._layers[name].set_weights([column[:, None]])
        self._layers["weighed_logit"].set_weights([np.array([[NETWORK_WEIGHT], [1]], np.float32), np.array([bias], np.float32)])

    def _layer(self, name: str, kind: Any, *sizes: Any, **options: Any) -> Any:
        """The layer of that name: the same one in every model."""
        assert name not in self._layers or isinstance(self._layers[name], kind), name
        if name not in self._layers:
            self._layers[name] = kind(*sizes, name=name, **options)
        return self._layers[name]

    def _freeze(self) -> None:
        """Gives the layers that tell padding from tokens their numbers."""
        table = np.ones((self._ids, 1), np.float32)
        table[0] = 0
        self._layers["present"].set_weights([table])
        for name, layer in self._layers.items():
            if name.startswith("lower_"):
                layer.set_weights([np.array([[2]], np.float32), np.array([-2], np.float32)])

    def _dropout(self, what: str) -> Any:
        return self._layer("dropout_" + what, keras.layers.Dropout, self.settings["dropout"])

    def _embedded(self, tokens: Any) -> Any:
        words = self._layer("words", keras.layers.Embedding, self._ids, self.settings["embedding_size"])(tokens)
        return self._dropout("words")(words)

    def _present(self, tokens: Any) -> Any:
        """`[batch, time, 1]`: 1 for a token, 0 for padding."""
        return self._layer("present", keras.layers.Embedding, self._ids, 1, trainable=False)(tokens)

    def _lstm(self, name: str, steps: Any, present: Any) -> Any:
        """The greatest output of each unit over the steps that are present: `[batch, units]`."""
        lstm = self._layer(
            "lstm_" + name,
            self._lstm_class,
            self.settings["lstm_size"],
            return_sequences=True,
            recurrent_activation="sigmoid",  # named, as Keras 2's default is another function than Keras 3's
            **({"implementation": 2} if framework.VERSION < "3" else {}),
        )
        lower = self._layer("lower_" + name, keras.layers.Dense, 1, trainable=False)(present)
        lowered = self._layer("lowered_" + name, keras.layers.Add)([lstm(steps), lower])
        return self._layer("best_" + name, keras.layers.GlobalMaxPooling1D)(lowered)

    def _convolved(self, tokens: Any, present: Any) -> Any:
        """`[batch, time, filters]`, not negative; 0 at padding."""
        words = self._layer("present_words", keras.layers.Multiply)([self._embedded(tokens), present])
        sizes = self.settings["filters"], self.settings["kernel_size"]
        filtered = self._layer("convolution", keras.layers.Conv1D, *sizes, padding="same", activation="relu")(words)
        return self._layer("present_filtered", keras.layers.Multiply)([filtered, present])

    def _pooled(self, name: str, steps: Any) -> Any:
        """The greatest of each POOL steps, from the first on. Zeros are added, so that the last window is whole whatever the length."""
        lengthened = self._layer("lengthened_" + name, keras.layers.ZeroPadding1D, (0, POOL - 1))(steps)
        return self._layer("pooled_" + name, keras.layers.MaxPooling1D, POOL)(lengthened)

    def lstm(self, inputs: Inputs) -> Any:
        tokens = inputs["tokens"]
        return self._lstm("forward", self._embedded(tokens), self._present(tokens))

    def bilstm(self, inputs: Inputs) -> Any:
        sides = {"forward": inputs["tokens"], "backward": inputs["reversed_tokens"]}
        features = [self._lstm(name, self._embedded(tokens), self._present(tokens)) for name, tokens in sides.items()]
        return self._layer("both", keras.layers.Concatenate)(features)

    def cnn(self, inputs: Inputs) -> Any:
        """As in the Keras example `imdb_cnn` (2015 to 2019), which the sample of 2017 used."""
        tokens = inputs["tokens"]
        best = self._layer("best", keras.layers.GlobalMaxPooling1D)(self._convolved(tokens, self._present(tokens)))
        return self._layer("dense", keras.layers.Dense, self.settings["dense_size"], activation="relu")(best)

    def cnn_lstm(self, inputs: Inputs) -> Any:
        tokens = inputs["tokens"]
        present = self._present(tokens)
        steps = self._pooled("filtered", self._convolved(tokens, present))
        return self._lstm("forward", steps, self._pooled("present", present))


BUILDERS = {"bilstm": Network.bilstm, "lstm": Network.lstm, "cnn": Network.cnn, "cnn-lstm": Network.cnn_lstm}
