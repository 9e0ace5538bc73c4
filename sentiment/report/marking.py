"""A text with the words marked that carried its score."""

import re
from collections import Counter
from dataclasses import dataclass

from sentiment.evaluation.examples import Example
from sentiment.text.words import UNSPACED

LONGEST = 3000  # characters of a text that are shown
APOSTROPHES = "'’‘´`′"


@dataclass(frozen=True)
class Segment:
    """A piece of a text.

    Attributes:
        weight: By how much the score would be lower without it; None if it is not marked.
        strength: The weight's size, as a share of the greatest in the text.
    """

    text: str
    weight: float | None = None
    strength: float = 0.0


def segments(example: Example) -> list[Segment]:
    """The text, or its beginning, in pieces. A word that carried the score is marked where it did; punctuation is not."""
    text = example.text[:LONGEST] + ("…" if len(example.text) > LONGEST else "")
    weights = {(_plain(one.word), one.earlier): one.weight for one in example.words if one.weight and any(map(str.isalnum, one.word))}
    if not weights:
        return [Segment(text)]
    greatest, met = max(map(abs, weights.values())), Counter[str]()
    words = sorted({word for word, _ in weights}, key=len, reverse=True)
    pieces, at = list[Segment](), 0
    for match in re.finditer("|".join(map(_pattern, words)), text, re.IGNORECASE):
        word = _plain(match[0])
        weight = weights.get((word, met[word]))
        met[word] += 1
        if weight:
            pieces += [Segment(text[at : match.start()]), Segment(match[0], weight, round(abs(weight) / greatest, 2))]
            at = match.end()
    return [piece for piece in [*pieces, Segment(text[at:])] if piece.text]


def _plain(word: str) -> str:
    return re.sub(f"[{APOSTROPHES}]", "'", word).lower()


def _pattern(word: str) -> str:
    """Finds a word as the text has it: whole, which "it" is not in "it's"; characters of scripts without blanks stand by themselves."""
    letters = re.escape(word).replace("'", f"[{APOSTROPHES}]")
    whole = rf"(?<!\w)(?<!\w[{APOSTROPHES}]){letters}(?!\w|[{APOSTROPHES}]\w)"
    return letters if UNSPACED.search(word) else whole
