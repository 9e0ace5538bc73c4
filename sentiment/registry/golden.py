"""Golden texts: pairs that any model of their kind tells apart, the first of each being positive and the second negative.

The built-in ones are about films, in English. They prove nothing of a model that does not know their words, so a pair counts only if
of each of its texts the model has a word with a token id that can carry an opinion: that the other text has not, and that is
neither a function word nor punctuation. Those of a user's file all count.
"""

from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from sentiment.errors import UserError
from sentiment.model.golden_texts import BUILT_IN, Pair
from sentiment.reviews import find_source
from sentiment.settings import PrepareSettings
from sentiment.text.vocabulary import Encoder
from sentiment.text.words import STOP_WORDS

BUILT_IN_SOURCE = "built-in"


@dataclass(frozen=True)
class Golden:
    """Pairs, where they are from, and the first texts of those that do not count."""

    pairs: tuple[Pair, ...]
    source: str
    left_out: tuple[str, ...] = ()

    def known_to(self, encoder: Encoder) -> "Golden":
        """Those that count for a model with this vocabulary."""
        if self.source != BUILT_IN_SOURCE:
            return self
        counting = tuple(pair for pair in self.pairs if _counts(pair, encoder))
        return Golden(counting, self.source, tuple(pair[0] for pair in self.pairs if pair not in counting))


def read(golden: str) -> Golden:
    """The built-in ones for `none`, or those of a file: a table of texts and labels, as `prepare` takes it.

    The first positive text goes with the first negative one, and so on; if one kind has fewer texts, they are taken again from the first.

    Raises:
        UserError: There is no such file, or not both kinds of text in it, or it can't be read.
    """
    if golden == "none":
        return Golden(BUILT_IN, BUILT_IN_SOURCE)
    path = Path(golden).expanduser()
    if not path.is_file():
        raise UserError(f"There is no such file. Received: golden={golden}. Give a table with texts and labels, or leave it out.")
    kinds: tuple[list[str], list[str]] = ([], [])
    for batch in find_source(PrepareSettings(reviews=str(path))).read(lambda size: None):
        for text, label in zip(batch.texts, batch.labels, strict=True):
            if label in (0, 1) and text.strip():
                kinds[label].append(text)
    negative, positive = kinds
    if not (negative and positive):
        raise UserError(
            f"The golden texts are not of both kinds. Received: golden={golden}, {len(positive)} positive and {len(negative)} negative. "
            "Give at least one of each."
        )
    count = max(len(positive), len(negative))
    return Golden(tuple(zip(islice(cycle(positive), count), islice(cycle(negative), count), strict=True)), golden)


def _counts(pair: Pair, encoder: Encoder) -> bool:
    known = set(encoder.vocabulary)
    words = [[word for word in encoder.words(text) if word in known] for text in pair]
    return all(_opinions(one, other) for one, other in (words, reversed(words)))


def _opinions(words: list[str], other: list[str]) -> set[str]:
    shared = {word.lower() for word in other} | STOP_WORDS
    return {word for word in words if word.lower() not in shared and any(letter.isalpha() for letter in word)}
