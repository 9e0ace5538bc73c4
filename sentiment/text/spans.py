"""Where the words of a text stand in it, which `clean` does not say: for showing them there."""

import html
import re
import unicodedata
from collections.abc import Sequence

from sentiment.settings import TextSettings

PIECES = re.compile(r"</?[A-Za-z][^<>]*>|&#?\w{1,31};|.", re.DOTALL)  # a tag, an entity, or a character
GAP = 1024  # characters between two words, at most: one that can't be found does not cost a search of the whole text
APOSTROPHES = dict.fromkeys(map(ord, "’‘ʼ\x91\x92`\u00b4\u2032"), "'")


def find_spans(text: str, words: Sequence[str], settings: TextSettings) -> list[tuple[int, int] | None]:
    """Of each word of a text, in their order, where it begins and ends; None where that can't be told.

    words: as `Encoder.words` gives them; spans: in characters of Python, from 0, the end excluded.
    """
    plain, starts, ends = _plain(text, settings)
    at = 0
    spans: list[tuple[int, int] | None] = []
    for word in words:
        first = _find(plain, word, at)
        if first < 0:
            spans.append(None)
            continue
        at = first + len(word)
        spans.append((starts[first], ends[at - 1]))
    return spans


def _plain(text: str, settings: TextSettings) -> tuple[str, Sequence[int], Sequence[int]]:
    """The text character by character as `clean` has it, tags left out; and of each of these, where in the text it begins and ends."""
    if text.isascii() and not re.search("[<&`]", text):
        return (text.lower() if settings.lowercase else text), range(len(text)), range(1, len(text) + 1)
    characters, starts, ends = [], [], []
    for match in PIECES.finditer(text):
        piece = match[0]
        if len(piece) > 1:
            piece = " " if piece[0] == "<" else html.unescape(piece)
        elif not piece.isascii() or piece == "`":
            piece = unicodedata.normalize("NFKC", piece.translate(APOSTROPHES))
        for character in piece.lower() if settings.lowercase else piece:
            characters.append(character)
            starts.append(match.start())
            ends.append(match.end())
    return "".join(characters), starts, ends


def _find(plain: str, word: str, begin: int) -> int:
    """The first position at which the word stands by itself, if it is one with blanks round it; -1 if there is none."""
    end = begin + GAP + len(word)
    at = plain.find(word, begin, end)
    while at >= 0 and word.isascii() and not _alone(plain, at, at + len(word)):
        at = plain.find(word, at + 1, end)
    return at


def _alone(plain: str, begin: int, end: int) -> bool:
    before, after = plain[begin - 1 : begin] if begin else "", plain[end : end + 1]
    return not (_joins(before) and _joins(plain[begin])) and not (_joins(plain[end - 1]) and _joins(after))


def _joins(character: str) -> bool:
    """Whether it makes one word with such a character beside it."""
    return character.isascii() and character.isalnum()
