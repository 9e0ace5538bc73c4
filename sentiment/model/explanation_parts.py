"""The two parts of a text's score, and what each loses with some of the words.

With n-grams in the model, the logit of a score is the sum of the network's part and the n-grams' part, each weighed as the model
combines them. Without, the network's part is the score itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from sentiment.model.model_file import ModelFile
from sentiment.model.scorer import Scorer
from sentiment.ragged import from_lengths
from sentiment.text import ngrams

COMBINED = ("combined_logit", "weighed_logit")  # the layers that weigh both logits; the second is that of sentiment-model-1
FACTORS = ("ngram_weights", "ngram_mask", "ratios")  # the embeddings whose product is summed; sentiment-model-1 has the third


class NetworkPart:
    """The network's part.

    read: the positions of the words that the network reads, `<int32>[read]`, ascending; whole: the part, known once `effects` is.
    """

    def __init__(self, scorer: Scorer, numbers: np.ndarray) -> None:
        self._scorer = scorer
        self._encoder = replace(scorer.model.encoder, ngrams=ngrams.NONE)
        self._output = "network_logit" if has_ngrams(scorer.model) else "score"
        self._share = _shares(scorer.model)[0]
        self.read = self._encoder.kept(len(numbers))
        self._numbers = numbers[self.read]
        self.whole = 0.0

    def effects(self, spans: Sequence[range]) -> np.ndarray:
        """By how much it would be lower without each span of words: `<float64>[spans]`. Only spans that the network reads are scored."""
        effects = np.zeros(len(spans))
        inside = [range(*np.searchsorted(self.read, [span.start, span.stop])) for span in spans]
        scored = [at for at, positions in enumerate(inside) if positions and self._share]
        if scored:
            self.whole, *without = self._without([range(0), *(inside[at] for at in scored)])  # at once, which is sooner than by itself
            effects[scored] = self.whole - np.array(without)
        return effects

    def _without(self, spans: Sequence[range]) -> list[float]:
        """With each of some spans of the words that are read made unknown."""
        variants = np.tile(self._numbers, (len(spans), 1))
        for row, span in zip(variants, spans, strict=True):
            row[span.start : span.stop] = 0
        every = from_lengths(variants.ravel(), np.full(len(spans), len(self._numbers)))
        outputs = self._scorer.outputs(self._encoder.encode_numbers(every), (self._output,))
        return [self._share * value for value in outputs[self._output].tolist()]


class NgramPart:
    """The n-grams' part."""

    def __init__(self, model: ModelFile, numbers: np.ndarray) -> None:
        self._known = model.encoder.ngrams
        self._numbers = numbers
        self._weights, self._constant = _weights(model)

    @cached_property
    def whole(self) -> float:
        return float(self._constant + self._weights[self._counts > 0].sum())

    def effects(self, spans: Sequence[range]) -> np.ndarray:
        """By how much it would be lower without each span of words, of which there may be 31: `<float64>[spans]`.

        Those n-grams are lost that stand nowhere else: each of whose occurrences has a word in the span.
        """
        spans_of = np.zeros(len(self._numbers), np.int32)  # a bit for each span
        for bit, span in enumerate(spans):
            spans_of[span.start : span.stop] |= 1 << bit
        common = np.where(self._counts > 0, -1, 0).astype(np.int32)
        for ids, positions in self._occurrences():
            np.bitwise_and.at(common, ids, np.bitwise_or.reduce(spans_of[positions], axis=1))
        return np.array([self._weights[(common >> bit & 1) > 0].sum() for bit in range(len(spans))])

    def once(self) -> np.ndarray:
        """For each word, the sum of the weights of the n-grams with it that the text has but once: `<float64>[words]`."""
        weights = np.where(self._counts == 1, self._weights, 0)
        sums = np.zeros(len(self._numbers))
        for ids, positions in self._occurrences():
            for position, before in zip(positions.T, [None, *positions.T[:-1]], strict=True):
                different = slice(None) if before is None else position != before
                np.add.at(sums, position[different], weights[ids[different]])
        return sums

    def _occurrences(self) -> Iterable[tuple[np.ndarray, np.ndarray]]:
        """Looked for anew in a long text, which would have too many to keep."""
        return self._few if len(self._numbers) <= ngrams.PLACES else self._known.occurrences(self._numbers)

    @cached_property
    def _few(self) -> list[tuple[np.ndarray, np.ndarray]]:
        occurrences = list(self._known.occurrences(self._numbers))
        return (
            [(np.concatenate([ids for ids, _ in occurrences]), np.concatenate([positions for _, positions in occurrences]))]
            if occurrences
            else []
        )

    @cached_property
    def _counts(self) -> np.ndarray:
        """How often the text has each n-gram: `<int64>[ngrams + 1]`."""
        counts = np.zeros(len(self._weights), np.int64)
        for ids, _ in self._occurrences():
            counts += np.bincount(ids, minlength=len(counts))
        return counts


def has_ngrams(model: ModelFile) -> bool:
    return len(model.encoder.ngrams) > 0


def _shares(model: ModelFile) -> tuple[float, float, float]:
    """By what the network's and the n-grams' logits are multiplied, and what is added."""
    if not has_ngrams(model):
        return 1.0, 0.0, 0.0
    for name in COMBINED:
        if name in model.weights:
            shares, intercept = model.weights[name]
            return float(shares[0, 0]), float(shares[1, 0]), float(intercept[0])
    return 0.0, 1.0, 0.0


def _weights(model: ModelFile) -> tuple[np.ndarray, float]:
    """What each n-gram adds to the logit of the score, `<float64>[ngrams + 1]`; and what is added once."""
    if not has_ngrams(model):
        return np.zeros(1), 0.0
    _, share, intercept = _shares(model)
    weights = np.prod([model.weights[name][0][:, 0].astype(np.float64) for name in FACTORS if name in model.weights], axis=0)
    scale, bias = model.weights.get("ngrams_logit", (np.ones((1, 1)), np.zeros(1)))
    return weights * float(scale[0, 0]) * share, float(bias[0]) * share + intercept
