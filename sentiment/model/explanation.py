"""Which words carried a score: occlusion, after Zeiler & Fergus (2014), words made unknown, each by itself or in runs.

The work grows with the text no faster than that of scoring it. What words count for in the network takes at most 1 + 2 · AT_ONCE
scores of the words that it reads, of which there are fewer than `max_length`. What they count for in the n-grams is a sum, and exact.
"""

import itertools
from functools import cached_property

import numpy as np

from sentiment.model.explanation_parts import NetworkPart, NgramPart, has_ngrams
from sentiment.model.scorer import Scorer

AT_ONCE = 24  # spans tried in one pass
LONG = AT_ONCE**2  # words: of longer texts the parts are named, too
MOST_WORDS = 10
BEGINNING = 5  # words of a part that are shown

ALWAYS, PER_TOKEN, PER_TEXT = 100_000, 30, 1_000  # of a Budget

Item = dict[str, str | int | float]


def explain(scorer: Scorer, text: str, score: float) -> list[Item]:
    """The words that mattered most, `{"word", "weight", "place"}`, greatest effect first.

    weight: by how much the score would be lower without the word in that one position, counted in words from 0; below 0 if it would be
    higher.
    """
    return Explanation(scorer, text).words()


class Budget:
    """How many texts of a request are explained, so that it takes no more than some 20 times as long as their scores.

    It counts the tokens that the network reads: a request may have it read ALWAYS, and PER_TOKEN for each that is scored; a text that
    is explained takes, by what it does beside the network, the time of PER_TEXT.
    """

    def __init__(self, max_length: int) -> None:
        self._max_length, self._left = max_length, ALWAYS

    def add(self, words: int) -> None:
        """For texts that are scored, of so many words in all."""
        self._left += PER_TOKEN * words

    def allows(self, words: int) -> bool:
        """Whether a text of so many words is explained; takes what that needs."""
        rows = 1 + words if words <= AT_ONCE else 2 * (1 + AT_ONCE)
        cost = PER_TEXT + rows * min(1 + words, self._max_length)
        if cost > self._left:
            return False
        self._left -= cost
        return True


class Explanation:
    """What the words of a text count for, and the parts of a long one."""

    def __init__(self, scorer: Scorer, text: str) -> None:
        self._words = scorer.model.encoder.words(text)
        self._has_ngrams = has_ngrams(scorer.model)
        numbers = scorer.model.encoder.number([text]).ids
        self._network = NetworkPart(scorer, numbers)
        self._ngrams = NgramPart(scorer.model, numbers)

    def words(self) -> list[Item]:
        """As `explain` returns them. Of more than AT_ONCE words, those are tried that promise the greatest effects."""
        return [{"word": self._words[position], "weight": weight, "place": position} for position, weight in self.positions()]

    def positions(self) -> list[tuple[int, float]]:
        """Where the words stand that `words` returns, from 0, and their weights, in the same order."""
        tried = self._promising() if len(self._words) > AT_ONCE else np.arange(len(self._words))
        weights = self._weights(*self._effects([range(position, position + 1) for position in tried]))
        order = np.argsort(-np.abs(weights), kind="stable")[:MOST_WORDS]
        return [(int(tried[at]), round(float(weights[at]), 6)) for at in order]

    def occurrence(self, position: int) -> int:
        """How often the word at a position stands before it, in whatever case."""
        word = self._words[position].lower()
        return sum(each.lower() == word for each in self._words[:position])

    def word(self, position: int) -> str:
        return self._words[position]

    def parts(self) -> list[Item]:
        """The parts of a text of more than LONG words, in their order: `{"first", "last", "begins", "weight"}`; of a shorter one, none.

        first, last: positions of words, from 0; begins: the first words; weight: by how much the score would be lower without the part.
        """
        if len(self._words) <= LONG:
            return []
        weights = self._weights(*self._of_runs)
        return [
            {
                "first": run.start,
                "last": run.stop - 1,
                "begins": " ".join(self._words[run.start : min(run.stop, run.start + BEGINNING)]),
                "weight": round(float(weight), 6),
            }
            for run, weight in zip(self._runs, weights, strict=True)
        ]

    def _promising(self) -> np.ndarray:
        """The AT_ONCE words, in their order, with the greatest effect in the n-grams, and in the network as far as their runs tell."""
        promise = np.abs(self._ngrams.once())
        for run, effect in zip(self._runs, self._of_runs[0], strict=True):
            promise[run.start : run.stop] += abs(effect)
        return np.sort(np.argsort(-promise, kind="stable")[:AT_ONCE])

    @cached_property
    def _runs(self) -> list[range]:
        """AT_ONCE runs of words, which together are the text. Half of them are what the network reads, if that is not all."""
        words, read = len(self._words), self._network.read
        gap = np.flatnonzero(np.diff(read) > 1)
        if not len(gap):
            return _split(0, words, AT_ONCE)
        begin, end = int(read[gap[0]]) + 1, int(read[gap[0] + 1])
        return [*_split(0, begin, AT_ONCE // 4), *_split(begin, end, AT_ONCE // 2), *_split(end, words, AT_ONCE // 4)]

    @cached_property
    def _of_runs(self) -> tuple[np.ndarray, np.ndarray]:
        return self._effects(self._runs)

    def _effects(self, spans: list[range]) -> tuple[np.ndarray, np.ndarray]:
        """What the network's part, and the n-grams', would be lower without each span: two of `<float64>[spans]`."""
        return self._network.effects(spans), self._ngrams.effects(spans)

    def _weights(self, network: np.ndarray, ngrams: np.ndarray) -> np.ndarray:
        """By how much the score would be lower, if its parts were so much lower: `<float64>[spans]`."""
        if not self._has_ngrams:
            return network
        whole = self._network.whole + self._ngrams.whole
        return np.asarray(_sigmoid(whole) - _sigmoid(whole - network - ngrams))


def _sigmoid(logits: np.ndarray | float) -> np.ndarray:
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * np.asarray(logits)))


def _split(begin: int, end: int, count: int) -> list[range]:
    """So many runs of about one length, fewer if there are not so many positions."""
    bounds = np.linspace(begin, end, min(count, end - begin) + 1).astype(int).tolist()
    return [range(*ends) for ends in itertools.pairwise(bounds)]
