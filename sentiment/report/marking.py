"""A text with the words marked that carried its score."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sentiment.evaluation.examples import Example
from sentiment.model.explanation import Item
from sentiment.text.words import UNSPACED

LONGEST = 3000  # characters of a text that are shown
APOSTROPHES = "'’‘´`′"


@dataclass(frozen=True)
class Segment:
    """A piece of a text. weight: by how much the score would be lower without it, None if it is not marked; strength: the weight's size,
    as a share of the greatest in the text.
    """

    text: str
    weight: float | None = None
    strength: float = 0.0


def segments(example: Example) -> list[Segment]:
    """The text, or its beginning, in pieces. A word that carried the score is marked wherever it stands; punctuation is not."""
    text = example.text[:LONGEST] + ("…" if len(example.text) > LONGEST else "")
    weights = _weights(example.words)
    if not weights:
        return [Segment(text)]
    greatest = max(map(abs, weights.values()))
    pieces, at = [], 0
    for match in re.finditer("|".join(_pattern(word) for word in sorted(weights, key=len, reverse=True)), text, re.IGNORECASE):
        weight = weights[_plain(match[0])]
        pieces += [Segment(text[at : match.start()]), Segment(match[0], weight, round(abs(weight) / greatest, 2))]
        at = match.end()
    return [piece for piece in [*pieces, Segment(text[at:])] if piece.text]


def _weights(words: Sequence[Item]) -> dict[str, float]:
    """By word; of one that stands in several places, the greatest."""
    found: dict[str, float] = {}
    for item in words:
        word, weight = _plain(str(item["word"])), float(item["weight"])
        if any(map(str.isalnum, word)) and weight and abs(weight) > abs(found.get(word, 0)):
            found[word] = weight
    return found


def _plain(word: str) -> str:
    return re.sub(f"[{APOSTROPHES}]", "'", word).lower()


def _pattern(word: str) -> str:
    letters = re.escape(word).replace("'", f"[{APOSTROPHES}]")
    return letters if UNSPACED.search(word) else rf"(?<!\w){letters}(?!\w)"
