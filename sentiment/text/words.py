"""From texts to words.

Whatever cleans a text for training cleans it for serving: both call `clean` and split at blanks. Arrow's string kernels do the work.
How a model's texts are cleaned never changes: a new way gets a new number (`TextSettings.cleaning`). 2 differs from 1 in that it
takes ´ ` ′ for apostrophes, and that each character of a script without blanks is a word.
"""

import html
import itertools
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sentiment.ragged import Ragged
from sentiment.settings import TextSettings

# Han, Hiragana, Katakana, Thai, Lao, Khmer and Myanmar, and what selects a variant of a character.
UNSPACED = re.compile(
    "[\u2e80-\u2fdf\u3005\u3007\u3021-\u3029\u3038-\u303b\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U0001aff0-\U0001b16f\U00020000-\U0003ffff\u0e00-\u0eff\u1780-\u17ff\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f"
    "\ufe00-\ufe0f\U000e0100-\U000e01ef]+"
)
UNUSUAL = "&`"  # what is normalized though it is ASCII
BEYOND_ASCII = re.compile("[^\x00-\x7f]+")

# Function words without those that turn or grade an opinion (not, no, never, but, very, too, only, ...).
# fmt: off
STOP_WORDS = frozenset(
    """a about after again all am an and any are as at be because been before being between both by can could did do does doing
    down during each for from further had has have having he her here hers herself him himself his how i if in into is it its
    itself me my myself of off on once or other our ours ourselves out over own same she should so some such than that the their
    theirs them themselves then there these they this those through to under until up was we were what when where which while who
    whom why will with would you your yours yourself yourselves i'm i've i'd i'll you're you've he's she's it's we're they're
    that's there's what's who's""".split()  # noqa: SIM905 (a list would be forty lines)
)
# fmt: on


def to_arrow(texts: list[str]) -> pa.StringArray:
    """Any Python strings as Arrow's; what UTF-8 can't hold (a lone surrogate) becomes a question mark."""
    try:
        return pa.array(texts, pa.string())
    except UnicodeEncodeError:
        return pa.array([text.encode("utf-8", "replace").decode() for text in texts], pa.string())


class _BeyondAscii(dict[int, str]):
    """What becomes of a character for `str.translate`: letters, marks and digits stay, blanks and controls go, the rest is punctuation."""

    def __init__(self, punctuation: str) -> None:
        self._punctuation = punctuation
        self.update(dict.fromkeys(map(ord, "’‘ʼ\x91\x92"), "'"))  # the last two: Windows-1252 that was read as Latin-1, common in IMDB

    def __missing__(self, code: int) -> str:
        character = chr(code)
        kind = "L" if code < 128 else unicodedata.category(character)[0]  # ASCII is left to the regular expressions
        self[code] = character if kind in "LMN" else " " if kind in "CZ" else self._punctuation.format(character)
        return self[code]


_STRIPPED, _SEPARATE = _BeyondAscii(" "), _BeyondAscii(" {} ")


def clean(texts: pa.StringArray, settings: TextSettings) -> pa.StringArray:
    """The texts as words with blanks between.

    Arrow compiles a regular expression at each call, which takes milliseconds where it names Unicode classes; so what is
    beyond ASCII, an HTML entity or a backtick, is normalized first, in the few texts that have it, and the expressions name ASCII alone.
    """
    strings = texts.to_pylist()
    unusual = list(map(is_unusual, strings))
    normalized = [_normalize(text, settings) for text in itertools.compress(strings, unusual)]
    texts = pc.replace_with_mask(texts, pa.array(unusual, pa.bool_()), pa.array(normalized, pa.string()))
    if settings.lowercase:
        texts = pc.utf8_lower(texts)
    for pattern, replacement in _rules(settings):
        texts = pc.replace_substring_regex(texts, pattern, replacement)
    return texts


def is_unusual(text: str) -> bool:
    return not text.isascii() or any(mark in text for mark in UNUSUAL)


def _normalize(text: str, settings: TextSettings) -> str:
    table = _STRIPPED if settings.strip_punctuation else _SEPARATE
    text = html.unescape(text)
    if settings.cleaning == 1:
        return BEYOND_ASCII.sub(lambda run: run[0].translate(table), unicodedata.normalize("NFKC", text))
    text = text.replace("\u00b4", "'")  # which NFKC would make a blank with a mark
    text = unicodedata.normalize("NFKC", text).replace("\u2032", "'").replace("`", "'")
    return BEYOND_ASCII.sub(lambda run: UNSPACED.sub(_spaced, run[0]).translate(table), text)


def _spaced(run: re.Match[str]) -> str:
    """The run with blanks round each character; marks stay with theirs."""
    return "".join(" " + character if character.isalnum() else character for character in run[0]) + " "


def clean_plain(text: str, settings: TextSettings) -> str:
    """The same for one text of nothing unusual: for little text, Arrow's calls take longer than their work."""
    if settings.lowercase:
        text = text.lower()
    for pattern, replacement in _rules(settings):
        text = re.sub(pattern, replacement, text)
    return text


def _rules(settings: TextSettings) -> tuple[tuple[str, str], ...]:
    """What is replaced by what, one after the other; Arrow's expressions and Python's say the same with these."""
    punctuation: tuple[tuple[str, str], ...]
    if settings.strip_punctuation:
        punctuation = ((r"[\x00-\x1f!-&(-/:-@\[-`{-\x7f]+", " "),)
    else:
        punctuation = ((r"[\x00-\x1f\x7f]+", " "), (r"([!-&(-/:-@\[-`{-~])", r" \1 "))
    quotes = (("(^| )'+", r"\1"), ("'+( |$)", r"\1"))  # quotes go, the apostrophe of "don't" stays
    return (("</?[A-Za-z][^<>]*>", " "), *punctuation, *quotes)


def split_at_blanks(cleaned: pa.StringArray) -> pa.ListArray:
    """The words of texts from `clean`, and empty ones where two blanks stand together or one at an end.

    `utf8_split_whitespace` reads the byte behind the last text (in Arrow 25): if that is no UTF-8, a blank at the end stays in the word.
    """
    return pc.split_pattern(cleaned, " ")


@dataclass(frozen=True)
class Words:
    """The words of some texts. distinct: the different ones; rows: those of each text, by their indices in `distinct`, from 0."""

    distinct: list[str]
    rows: Ragged

    def numbered(self, numbers: Sequence[int]) -> Ragged:
        """The same rows by other numbers: those of `distinct`."""
        return Ragged(np.asarray(numbers, np.int32)[self.rows.ids], self.rows.offsets)


def find_words(texts: list[str], settings: TextSettings) -> Words:
    """The words that count, as `settings` say."""
    split = split_at_blanks(clean(to_arrow(texts), settings))
    flat = split.flatten().dictionary_encode()
    distinct = flat.dictionary.to_pylist()
    dropped = STOP_WORDS | {""} if settings.remove_stop_words else {""}
    kept = np.array([word.lower() not in dropped for word in distinct], bool)[flat.indices.to_numpy()]
    offsets = np.concatenate(([0], np.cumsum(kept)))[split.offsets.to_numpy()]
    return Words(distinct, Ragged(flat.indices.to_numpy()[kept], offsets.astype(np.int64)))
