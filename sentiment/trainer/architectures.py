"""The models, each of standard Keras layers, the same for every backend.

A score must not depend on how far a review is padded. Masks would do it, but take JAX and PyTorch off their fast path, and
CNTK's pooling does not know them. So padding is at the end, and is kept out by numbers: `present`, a frozen embedding, is 1
for a token and 0 for padding. Convolutions see zeros there, as beyond the end. What an LSTM puts out at padding is lowered
by 2, its outputs being within -1 and 1, before the maximum over time is taken. The backward LSTM reads the reversed tokens,
a second input, also padded at the end.

Beside any of them, where the data have n-grams, these are weighed; the logit is the mean of both.
"""

from typing import Any, Callable, Dict, List, Optional, Tuple

import keras
import numpy as np

POOL = 4  # cnn-lstm: positions that become one step of the LSTM
BACKWARD = ("bilstm",)  # the architectures that also read the reversed tokens

NGRAM_WEIGHT = 0.05  # of each n-gram before training
NGRAM_STEP = 0.3  # share of Adam's step by which it moves: rare ones would learn their few reviews by heart

Layers = Dict[str, Any]
Shape = Tuple[Optional[int], Optional[int]]  # None: any length


class Network:
    """One set of layers, and models over it.

    settings: train's parameters; ids: number of token ids, the rows of the embedding; ngrams: how many are known.
    """

    def __init__(self, settings: Dict[str, Any], ids: int, ngrams: int) -> None:
        self.settings = settings
        self.inputs = ["tokens"] + ["reversed_tokens"] * (settings["architecture"] in BACKWARD) + ["ngrams"] * (ngrams > 0)
        self._layers: Layers = {}
        self._ids, self.ngrams = ids, ngrams
        self._built: Dict[Shape, Tuple[List[Any], List[Any]]] = {}
        self._models: Dict[Tuple[str, Shape], Any] = {}

    def model(self, shape: Shape) -> Any:
        """The model for so many tokens and n-grams, `<int32>[batch, length]` each; its output is `<float32>[batch, 1]`, P(positive)."""

        def score(logits: List[Any]) -> Any:
            logit = self._layer("mean_logit", keras.layers.Average)(logits) if len(logits) > 1 else logits[0]
            return self._layer("score", keras.layers.Activation, "sigmoid")(logit)

        return self._model("score", shape, score)

    def parts(self, shape: Shape) -> Any:
        """The same network with an output for each of its parts, which are trained side by side.

        Trained on their sum, the part that is quick to learn, the n-grams, would leave the other one nothing to learn.
        """

        def scores(logits: List[Any]) -> Any:
            names = ["network_score", "ngram_score"]
            return [self._layer(name, keras.layers.Activation, "sigmoid")(logit) for name, logit in zip(names, logits)]

        return self._model("parts", shape, scores)

    def _model(self, kind: str, shape: Shape, outputs: Callable[[List[Any]], Any]) -> Any:
        """Built once: scoring asks for it at every batch."""
        if (kind, shape) not in self._models:
            inputs, logits = self._parts(shape)
            self._models[kind, shape] = keras.models.Model(inputs, outputs(logits))
            if len(self._models) == 1:
                self._freeze()
        return self._models[kind, shape]

    def _parts(self, shape: Shape) -> Tuple[List[Any], List[Any]]:
        """Inputs, and the logits of the network and of the n-grams, where there are any: `[batch, 1]` each."""
        if shape not in self._built:
            lengths = {"tokens": shape[0], "reversed_tokens": shape[0], "ngrams": shape[1]}
            inputs = {name: keras.layers.Input(shape=(lengths[name],), dtype="int32", name=name) for name in self.inputs}
            features = BUILDERS[self.settings["architecture"]](self, list(inputs.values()))
            logits = [self._layer("network_logit", keras.layers.Dense, 1)(self._dropout("features")(features))]
            if self.ngrams:
                logits.append(self._weighed(inputs["ngrams"]))
            self._built[shape] = list(inputs.values()), logits
        return self._built[shape]

    def set_ratios(self, ratios: np.ndarray) -> None:
        """Gives the n-grams their log-count ratios, `<float32>[ngrams + 1]`, 0 for padding."""
        self._layers["ratios"].set_weights([NGRAM_STEP * ratios[:, None]])

    def _weighed(self, ngrams: Any) -> Any:
        """The sum of the ratios of a review's n-grams, each times a weight that is learned: `[batch, 1]`.

        NB-SVM (Wang & Manning 2012) as two embeddings; the ratio of padding is 0.
        """
        ratios = self._layer("ratios", keras.layers.Embedding, self.ngrams + 1, 1, trainable=False)(ngrams)
        constant = keras.initializers.Constant(NGRAM_WEIGHT / NGRAM_STEP)
        weights = self._layer("ngram_weights", keras.layers.Embedding, self.ngrams + 1, 1, embeddings_initializer=constant)(ngrams)
        total = self._layer("ngram_sum", keras.layers.Dot, 1)([self._dropout("ngrams")(ratios), weights])
        return self._layer("ngram_logit", keras.layers.Reshape, (1,))(total)

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
            keras.layers.LSTM,
            self.settings["lstm_size"],
            return_sequences=True,
            recurrent_activation="sigmoid",  # named, as Keras 2's default is another function than Keras 3's
            **({"implementation": 2} if keras.__version__ < "3" else {}),
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

    def lstm(self, inputs: List[Any]) -> Any:
        tokens = inputs[0]
        return self._lstm("forward", self._embedded(tokens), self._present(tokens))

    def bilstm(self, inputs: List[Any]) -> Any:
        sides = zip(("forward", "backward"), inputs)
        features = [self._lstm(name, self._embedded(tokens), self._present(tokens)) for name, tokens in sides]
        return self._layer("both", keras.layers.Concatenate)(features)

    def cnn(self, inputs: List[Any]) -> Any:
        """As in the Keras example `imdb_cnn` (2015 to 2019), which the sample of 2017 used."""
        tokens = inputs[0]
        best = self._layer("best", keras.layers.GlobalMaxPooling1D)(self._convolved(tokens, self._present(tokens)))
        return self._layer("dense", keras.layers.Dense, self.settings["dense_size"], activation="relu")(best)

    def cnn_lstm(self, inputs: List[Any]) -> Any:
        tokens = inputs[0]
        present = self._present(tokens)
        steps = self._pooled("filtered", self._convolved(tokens, present))
        return self._lstm("forward", steps, self._pooled("present", present))


BUILDERS = {"bilstm": Network.bilstm, "lstm": Network.lstm, "cnn": Network.cnn, "cnn-lstm": Network.cnn_lstm}
