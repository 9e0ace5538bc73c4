"""The model that is saved: the network of an architecture, the n-grams beside it, and what combines the two.

The n-grams of the whole review are each a number that the driver has fitted, summed; the score is then that of both logits, combined as
the driver says. Only the network is trained here.
"""

import importlib
from typing import Any, Callable, Dict, List, Optional, Tuple

import keras
import numpy as np

from sentiment.trainer import framework
from sentiment.trainer.architectures.layers import Layers, one_but_for_padding
from sentiment.trainer.files import FIRST_WORD, Model

NGRAMS_ALONE = "ngrams"  # the architecture that has no network

Inputs = Dict[str, Any]
Shape = Tuple[Optional[int], Optional[int]]  # tokens and n-grams of a row; None: any number
ANY: Shape = (None, None)
Models = Dict[Tuple[int, int], Any]  # one for each shape


class Network:
    """One set of layers, and models over it.

    settings: train's parameters; ids: number of token ids, the rows of the embedding; ngrams: how many stand beside the network, which
    is of no account before `whole` is asked for.
    """

    def __init__(self, settings: Dict[str, Any], ids: int, ngrams: int = 0) -> None:
        framework.share_cores(with_lstm=False)
        self.settings, self.ngrams = settings, ngrams
        self.has_network = settings["architecture"] != NGRAMS_ALONE
        self._architecture = _architecture(settings["architecture"]) if self.has_network else None
        self.network_inputs = list(self._architecture.INPUTS) if self._architecture else []
        self._layers = Layers(settings, ids)
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

    def language_model(self, shape: Shape) -> Any:
        """After each token, how likely each LSTM takes the next one to be, before drawn ones: `<float32>[batch, LSTMs * time, 1 + drawn]`.

        shape: tokens of a row, and the drawn ones.
        """
        return self._model("language_model", shape, self.language_inputs, self._next_words)

    @property
    def lstms(self) -> Dict[str, str]:
        """Those that read words, which a language model has: by name, the input that each reads."""
        return dict(self._architecture.LSTMS) if self._architecture else {}

    @property
    def language_inputs(self) -> List[str]:
        """Those of a language model."""
        return [*self.network_inputs, *("next_" + tokens for tokens in self.lstms.values()), "noise"]

    def _next_words(self, inputs: Inputs) -> Any:
        """The words that are put out have the vectors of those that are read, as in Press & Wolf (2017)."""
        layers, noise = self._layers, self._layers.embedding(inputs["noise"])
        logits = [layers.next_word(name, inputs[tokens], inputs["next_" + tokens], noise) for name, tokens in self.lstms.items()]
        joined = layers.layer("next_words", keras.layers.Concatenate, 1)(logits) if len(logits) > 1 else logits[0]
        return layers.layer("likelihood", keras.layers.Activation, "softmax")(joined)  # last: on TensorFlow the loss takes its logits

    def _model(self, name: str, shape: Shape, names: List[str], output: Callable[[Inputs], Any]) -> Any:
        """Built once: scoring asks for it at every batch."""
        if (name, shape) not in self._models:
            second = ("ngrams", "noise")  # all others have a number for each token
            inputs = {each: keras.layers.Input(shape=(shape[each in second],), dtype="int32", name=each) for each in names}
            self._models[name, shape] = keras.models.Model(list(inputs.values()), output(inputs))
        return self._models[name, shape]

    def _score(self, name: str, logit: Any) -> Any:
        return self._layers.layer(name, keras.layers.Activation, "sigmoid")(logit)

    def _network_logit(self, inputs: Inputs) -> Any:
        assert self._architecture
        features = self._architecture.features(self._layers, inputs)
        return self._layers.layer("network_logit", keras.layers.Dense, 1)(self._layers.dropout("features")(features))

    def _combined(self, inputs: Inputs) -> Any:
        """The logit of the network, of the n-grams, or of both."""
        if not self.ngrams:
            return self._network_logit(inputs)
        if not self.has_network:
            return self._ngrams_logit(inputs["ngrams"])
        logits = [self._network_logit(inputs), self._ngrams_logit(inputs["ngrams"])]
        concatenated = self._layers.layer("logits", keras.layers.Concatenate)(logits)
        return self._layers.layer("combined_logit", keras.layers.Dense, 1, trainable=False)(concatenated)

    def _ngrams_logit(self, ngrams: Any) -> Any:
        """The sum of the weights of a review's n-grams, and a bias: `<float32>[batch, 1]`. Keras sums over time by a Dot."""
        ids = self.ngrams + 1
        weights = self._layers.layer("ngram_weights", keras.layers.Embedding, ids, 1, trainable=False)(ngrams)
        mask = self._layers.constant([one_but_for_padding(ids)], ngrams, "ngram_mask", keras.layers.Embedding, ids, 1)
        product = self._layers.layer("ngram_products", keras.layers.Dot, 1)([weights, mask])
        summed = self._layers.layer("ngram_sum", keras.layers.Reshape, (1,))(product)
        return self._layers.layer("ngrams_logit", keras.layers.Dense, 1, trainable=False)(summed)

    def set_ngrams(self, weights: np.ndarray, bias: float, combination: List[float]) -> None:
        """What the driver has fitted.

        weights: `<float32>[ngrams + 1]`, 0 at index 0; combination: the weights of the network's
        and of the n-grams' logit, and the intercept.
        """
        layers = self._layers.by_name
        layers["ngram_weights"].set_weights([weights[:, None]])
        layers["ngrams_logit"].set_weights([np.ones((1, 1), np.float32), np.array([bias], np.float32)])
        if self.has_network:
            shares = np.array(combination, np.float32)
            layers["combined_logit"].set_weights([shares[:2, None], shares[2:]])

    def scale_logit(self, factor: float, shift: float) -> None:
        """The network's, to `factor · logit + shift`."""
        kernel, bias = self._layers.by_name["network_logit"].get_weights()
        self._layers.by_name["network_logit"].set_weights([kernel * np.float32(factor), bias * np.float32(factor) + np.float32(shift)])

    def start_from(self, model: Model, words: List[str]) -> None:
        """Takes over the weights of another model's network of the same sizes; of its embedding, the rows of the words it knows.

        words: those that have token ids here, the first FIRST_WORD.
        """
        for name, layer in self._layers.by_name.items():
            if name == "embedding":
                layer.set_weights([_shared_rows(layer.get_weights()[0], words, model)])
            elif layer.trainable_weights:
                layer.set_weights(model.weights[name])

    def set_words(self, ids: np.ndarray, vectors: np.ndarray) -> None:
        """Gives the words with these token ids their vectors: `<float32>[words, embedding_size]`."""
        embedding = self._layers.by_name["embedding"]
        table = embedding.get_weights()[0]
        table[ids] = vectors
        embedding.set_weights([table])

    def get_weights(self, names: List[str]) -> Dict[str, List[np.ndarray]]:
        """The weights of the layers of these names."""
        return {name: self._layers.by_name[name].get_weights() for name in names}

    def set_lstms(self, weights: Dict[str, List[np.ndarray]]) -> None:
        """Gives the layers of these names these weights."""
        for name, arrays in weights.items():
            self._layers.by_name[name].set_weights(arrays)

    def set_weights(self, weights: Dict[str, List[np.ndarray]]) -> None:
        """Gives the layers that are built the weights saved under their names."""
        for name, layer in self._layers.by_name.items():
            if layer.get_weights():
                layer.set_weights(weights[name])


def compiled(shapes: List[Tuple[int, int]], model_of: Callable[[Shape], Any], compile_model: Callable[[Any], None]) -> Models:
    """The model that trains each shape; one for all where the backend takes any length."""
    models = {shape: model_of(shape if framework.STATIC_LENGTHS else ANY) for shape in shapes}
    for model in {id(model): model for model in models.values()}.values():
        compile_model(model)
    return models


def _architecture(name: str) -> Any:
    """The module of an architecture: `cnn-lstm` is `cnn_lstm.py`."""
    return importlib.import_module("sentiment.trainer.architectures." + name.replace("-", "_"))


def _shared_rows(table: np.ndarray, words: List[str], model: Model) -> np.ndarray:
    """An embedding, `<float32>[ids, embedding_size]`, with the model's rows of the words that it knows, and of the ids before words."""
    source = model.weights["embedding"][0]
    rows = {word: FIRST_WORD + index for index, word in enumerate(model.words)}
    table[:FIRST_WORD] = source[:FIRST_WORD]
    for index, word in enumerate(words, FIRST_WORD):
        if word in rows:
            table[index] = source[rows[word]]
    return table
