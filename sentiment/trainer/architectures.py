"""The models, each of standard Keras layers, the same for every backend.

A score must not depend on how far a review is padded. Masks would do it, but take JAX and PyTorch off their fast path, and
CNTK's pooling does not know them. So padding is at the end, and is kept out by numbers: `present`, a frozen embedding, is 1
for a token and 0 for padding. Convolutions see zeros there, as beyond the end. What an LSTM puts out at padding is lowered
by 2, its outputs being within -1 and 1, before the maximum over time is taken. The backward LSTM reads the reversed tokens,
a second input, also padded at the end.

Beside any of them may stand the n-grams of the whole review, each a number that the driver has fitted, summed; then the score is
that of both logits, combined as the driver says. Only the network is trained here.
"""

from typing import Any, Callable, Dict, List, Optional, Tuple

import keras
import numpy as np

from sentiment.trainer import framework
from sentiment.trainer.files import FIRST_WORD, Model

POOL = 4  # cnn-lstm: positions that become one step of the LSTM
BACKWARD = ("bilstm",)  # the architectures that also read the reversed tokens

NGRAMS_ALONE = "ngrams"  # the architecture that has no network
NGRAM_LAYERS = ("ngram_weights", "ngram_present")

Inputs = Dict[str, Any]
Shape = Tuple[Optional[int], Optional[int]]  # tokens and n-grams of a row; None: any number


class Network:
    """One set of layers, and models over it.

    settings: train's parameters; ids: number of token ids, the rows of the embedding; ngrams: how many stand beside the network, which
    is of no account before `whole` is asked for.
    """

    def __init__(self, settings: Dict[str, Any], ids: int, ngrams: int = 0) -> None:
        framework.fix_threads_for(settings["architecture"])
        self.settings, self.ngrams = settings, ngrams
        self.has_network = settings["architecture"] != NGRAMS_ALONE
        backward = ["reversed_tokens"] * (settings["architecture"] in BACKWARD)
        self.network_inputs = ["tokens", *backward] if self.has_network else []
        self._ids = ids
        self._layers: Dict[str, Any] = {}
        self._models: Dict[Tuple[str, Shape], Any] = {}

    @property
    def inputs(self) -> List[str]:
        """Those of the whole."""
        return self.network_inputs + ["ngrams"] * (self.ngrams > 0)

    def whole(self, shape: Shape) -> Any:
        """The model that is saved: the score, P(positive), of network and n-grams, `<float32>[batch, 1]`."""
        return self._model("whole", shape, self.inputs, lambda inputs: self._score("score", self._combined(inputs)))

    def trained(self, shape: Shape) -> Any:
        """The network alone, as it is trained: its own P(positive), `<float32>[batch, 1]`."""
        return self._model("trained", shape, self.network_inputs, lambda inputs: self._score("network_score", self._network_logit(inputs)))

    def logit(self, shape: Shape) -> Any:
        """The network's logit, `<float32>[batch, 1]`."""
        return self._model("logit", shape, self.network_inputs, self._network_logit)

    def _model(self, name: str, shape: Shape, names: List[str], output: Callable[[Inputs], Any]) -> Any:
        """Built once: scoring asks for it at every batch."""
        if (name, shape) not in self._models:
            lengths = {"tokens": shape[0], "reversed_tokens": shape[0], "ngrams": shape[1]}
            inputs = {each: keras.layers.Input(shape=(lengths[each],), dtype="int32", name=each) for each in names}
            self._models[name, shape] = keras.models.Model(list(inputs.values()), output(inputs))
            self._freeze()
        return self._models[name, shape]

    def _score(self, name: str, logit: Any) -> Any:
        return self._layer(name, keras.layers.Activation, "sigmoid")(logit)

    def _network_logit(self, inputs: Inputs) -> Any:
        features = BUILDERS[self.settings["architecture"]](self, inputs)
        return self._layer("network_logit", keras.layers.Dense, 1)(self._dropout("features")(features))

    def _combined(self, inputs: Inputs) -> Any:
        """The logit of the network, of the n-grams, or of both."""
        if not self.ngrams:
            return self._network_logit(inputs)
        if not self.has_network:
            return self._ngrams_logit(inputs["ngrams"])
        both = self._layer("logits", keras.layers.Concatenate)([self._network_logit(inputs), self._ngrams_logit(inputs["ngrams"])])
        return self._layer("combined_logit", keras.layers.Dense, 1, trainable=False)(both)

    def _ngrams_logit(self, ngrams: Any) -> Any:
        """The sum of the weights of a review's n-grams, and a bias: `[batch, 1]`. Keras sums over time by a Dot; padding has weight 0."""
        columns = [self._layer(name, keras.layers.Embedding, self.ngrams + 1, 1, trainable=False)(ngrams) for name in NGRAM_LAYERS]
        summed = self._layer("ngram_sum", keras.layers.Reshape, (1,))(self._layer("ngram_products", keras.layers.Dot, 1)(columns))
        return self._layer("ngrams_logit", keras.layers.Dense, 1, trainable=False)(summed)

    def set_ngrams(self, weights: np.ndarray, bias: float, combination: List[float]) -> None:
        """What the driver has fitted.

        weights: `<float32>[ngrams + 1]`, 0 at place 0; combination: the weights of the network's
        and of the n-grams' logit, and the intercept.
        """
        present = np.ones((self.ngrams + 1, 1), np.float32)
        present[0] = 0
        for name, column in zip(NGRAM_LAYERS, (weights[:, None], present)):
            self._layers[name].set_weights([column])
        self._layers["ngrams_logit"].set_weights([np.ones((1, 1), np.float32), np.array([bias], np.float32)])
        if self.has_network:
            shares = np.array(combination, np.float32)
            self._layers["combined_logit"].set_weights([shares[:2, None], shares[2:]])

    def start_from(self, model: Model, words: List[str]) -> None:
        """Takes over the weights of another model's network of the same sizes; of its embedding, the rows of the words it knows.

        words: those that have token ids here, the first FIRST_WORD.
        """
        places = {word: FIRST_WORD + place for place, word in enumerate(model.words)}
        for name, layer in self._layers.items():
            if name == "words":
                table = layer.get_weights()[0]
                table[:FIRST_WORD] = model.weights[name][0][:FIRST_WORD]
                known = [(FIRST_WORD + place, places[word]) for place, word in enumerate(words) if word in places]
                if known:
                    rows, sources = zip(*known)
                    table[list(rows)] = model.weights[name][0][list(sources)]
                layer.set_weights([table])
            elif layer.get_weights() and name != "present":
                layer.set_weights(model.weights[name])

    def set_words(self, ids: np.ndarray, vectors: np.ndarray) -> None:
        """Gives the words with these token ids their vectors: `<float32>[words, embedding_size]`."""
        table = self._layers["words"].get_weights()[0]
        table[ids] = vectors
        self._layers["words"].set_weights([table])

    def set_weights(self, weights: Dict[str, List[np.ndarray]]) -> None:
        """Gives the layers that are built the weights saved under their names."""
        for name, layer in self._layers.items():
            if layer.get_weights():
                layer.set_weights(weights[name])

    def _layer(self, name: str, kind: Any, *sizes: Any, **options: Any) -> Any:
        """The layer of that name: the same one in every model."""
        assert name not in self._layers or isinstance(self._layers[name], kind), name
        if name not in self._layers:
            self._layers[name] = kind(*sizes, name=name, **options)
        return self._layers[name]

    def _freeze(self) -> None:
        """Gives the layers that tell padding from tokens their numbers."""
        if "present" in self._layers:
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
            framework.lstm(),
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
