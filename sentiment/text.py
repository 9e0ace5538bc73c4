"""From texts to ids: cleaning, words, vocabulary.

Whatever cleans a text for training cleans it for serving: both call `clean` and split at blanks. Arrow's string kernels do the work.
How a model's texts are cleaned never changes: a new way gets a new number (`TextSettings.cleaning`). 2 differs from 1 in that it
takes ´ ` ′ for apostrophes, and that each character of a script without blanks is a word.
"""

import html
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sentiment.ngrams import NONE, Ngrams
from sentiment.ragged import Ragged, concatenate, from_lengths, from_lists, gather
from sentiment.settings import TextSettings

# Han, Hiragana, Katakana, Thai, Lao, Khmer and Myanmar, and what selects a variant of a character.
UNSPACED = re.compile(
    "[\u2e80-\u2fdf\u3005\u3007\u3021-\u3029\u3038-\u303b\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U0001aff0-\U0001b16f\U00020000-\U0003ffff\u0e00-\u0eff\u1780-\u17ff\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f"
    "\ufe00-\ufe0f\U000e0100-\U000e01ef]+"
)
UNUSUAL = "&`"  # what is settled first though it is ASCII
LITTLE = 4096  # characters that Python cleans sooner than Arrow
MIN_COUNT = 2  # occurrences that give a word a token id
PADDING, START, UNKNOWN, FIRST_WORD = 0, 1, 2, 4  # as in keras.datasets.imdb, where 3 is not used either

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
    beyond ASCII, an HTML entity or a backtick, is settled first, in the few texts that have it, and the expressions name ASCII alone.
    """
    unusual = pc.invert(pc.string_is_ascii(texts))
    for mark in UNUSUAL:
        unusual = pc.or_(unusual, pc.match_substring(texts, mark))
    table = _STRIPPED if settings.strip_punctuation else _SEPARATE
    settled = [_settle(text, settings.cleaning).translate(table) for text in texts.filter(unusual).to_pylist()]
    texts = pc.replace_with_mask(texts, unusual, pa.array(settled, pa.string()))
    if settings.lowercase:
        texts = pc.utf8_lower(texts)
    for pattern, replacement in _rules(settings):
        texts = pc.replace_substring_regex(texts, pattern, replacement)
    return texts


def _is_unusual(text: str) -> bool:
    return not text.isascii() or any(mark in text for mark in UNUSUAL)


def _settle(text: str, cleaning: int) -> str:
    text = html.unescape(text)
    if cleaning == 1:
        return unicodedata.normalize("NFKC", text)
    text = text.replace("\u00b4", "'")  # which NFKC would make a blank with a mark
    text = unicodedata.normalize("NFKC", text).replace("\u2032", "'").replace("`", "'")
    return UNSPACED.sub(_spaced, text)


def _spaced(run: re.Match[str]) -> str:
    """The run with blanks round each character; marks stay with theirs."""
    return "".join(" " + character if character.isalnum() else character for character in run[0]) + " "


def _clean_plain(text: str, settings: TextSettings) -> str:
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
    """The words of some texts. distinct: the different ones; rows: those of each text, by their places in `distinct`, from 0."""

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


@dataclass(frozen=True)
class Encoded:
    """Texts as a model takes them, a row each. tokens: token ids; ngrams: ids of word sequences."""

    tokens: Ragged
    ngrams: Ragged

    def __len__(self) -> int:
        return len(self.tokens)

    def take(self, rows: np.ndarray) -> "Encoded":
        """The named rows, in that order."""
        return Encoded(self.tokens.take(rows), self.ngrams.take(rows))

    def slice(self, begin: int, end: int) -> "Encoded":
        """The rows from `begin` to before `end`."""
        return Encoded(self.tokens.slice(begin, end), self.ngrams.slice(begin, end))


@dataclass(frozen=True)
class Encoder:
    """Texts to ids as the model knows them.

    vocabulary: the words that have token ids, from `FIRST_WORD`; more_words: those that have none, but stand in an n-gram. In
    both together a word's number is its place, from 1; 0 is any other word.
    """

    settings: TextSettings
    vocabulary: tuple[str, ...]
    more_words: tuple[str, ...] = ()
    ngrams: Ngrams = NONE

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {word: place + 1 for place, word in enumerate(self.vocabulary + self.more_words)}

    @property
    def size(self) -> int:
        """Number of token ids: what an embedding has rows."""
        return FIRST_WORD + len(self.vocabulary)

    def encode(self, texts: list[str]) -> Encoded:
        return self.encode_numbers(self.number(texts))

    def number(self, texts: list[str]) -> Ragged:
        """The number of each word of each text."""
        known = self._numbers
        if sum(map(len, texts)) <= LITTLE and not any(map(_is_unusual, texts)):
            rows = [[known.get(word, 0) for word in self._words(_clean_plain(text, self.settings))] for text in texts]
            return from_lists(rows)
        words = find_words(texts, self.settings)
        return words.numbered([known.get(word, 0) for word in words.distinct])

    def encode_numbers(self, numbers: Ragged) -> Encoded:
        """Token ids of each text, and the n-grams of the whole of it."""
        return Encoded(self.tokens(numbers), self.ngrams.encode(numbers))

    def tokens(self, numbers: Ragged) -> Ragged:
        """Token ids of each text, the start token first, at most `max_length`."""
        ids = np.where((numbers.ids > 0) & (numbers.ids <= len(self.vocabulary)), numbers.ids + (FIRST_WORD - 1), UNKNOWN)
        return _start_and_cut(Ragged(ids.astype(np.int32), numbers.offsets), self.settings.max_length)

    def kept(self, words: int) -> np.ndarray:
        """The places of those words of a text of so many that `tokens` keeps: `<int32>[kept]`, from 0."""
        return _start_and_cut(from_lengths(np.arange(words, dtype=np.int32), np.array([words])), self.settings.max_length).ids[1:]

    def with_ngrams(self, ngrams: Ngrams) -> "Encoder":
        """The same words, but of those without a token id only such as stand in these n-grams."""
        return replace(self, more_words=self.more_words[: max(ngrams.words - len(self.vocabulary), 0)], ngrams=ngrams)

    def words(self, text: str) -> list[str]:
        """The words that `number` numbers."""
        return self._words(str(clean(to_arrow([text]), self.settings)[0]))

    def _words(self, cleaned: str) -> list[str]:
        split = cleaned.split()
        return [word for word in split if word.lower() not in STOP_WORDS] if self.settings.remove_stop_words else split


class WordCounter:
    """Numbers the words of a stream of texts as they come, so that the vocabulary can be chosen at its end without the texts."""

    def __init__(self, settings: TextSettings) -> None:
        self._settings = settings
        self._numbers: dict[str, int] = {}
        self._parts: list[Ragged] = []

    def add(self, words: Words) -> None:
        """Texts, as `find_words` gives them with the same settings."""
        numbers = self._numbers
        self._parts.append(words.numbered([numbers.setdefault(word, len(numbers)) for word in words.distinct]))

    @property
    def numbered(self) -> Ragged:
        """The texts so far, each word by its provisional number."""
        self._parts = [concatenate(self._parts)]
        return self._parts[0]

    def finish(self, numbered: Ragged, counted: np.ndarray) -> tuple[Encoder, Ragged]:
        """The encoder, whose words are those of the rows `counted`, the most frequent first (equal ones by alphabet); and all rows
        by its numbers. Words that occur once have no token id.
        """
        seen = list(self._numbers)
        counts = np.bincount(numbered.take(counted).ids, minlength=len(seen))
        by_rank = sorted(np.flatnonzero(counts).tolist(), key=lambda number: (-counts[number], seen[number]))
        rank = np.zeros(len(seen), np.int32)
        rank[by_rank] = np.arange(1, len(by_rank) + 1)
        words = tuple(seen[number] for number in by_rank)
        cut = min(self._settings.vocabulary_size - FIRST_WORD, int((counts >= MIN_COUNT).sum()))
        return Encoder(self._settings, words[:cut], words[cut:]), Ragged(rank[numbered.ids], numbered.offsets)


def _start_and_cut(rows: Ragged, max_length: int) -> Ragged:
    """Puts the start token before each row; of a row that is then too long, the middle goes."""
    if len(rows) == 1 and len(rows.ids) < max_length:  # as most requests are
        return Ragged(np.concatenate(([START], rows.ids), dtype=np.int32), np.array([0, len(rows.ids) + 1]))
    lengths = rows.lengths
    kept = np.minimum(lengths, max_length - 1)
    if (kept < lengths).any():
        head = np.where(lengths > kept, kept // 2, kept)
        tail = kept - head
        starts = np.stack([rows.offsets[:-1], rows.offsets[1:] - tail], 1).ravel()
        rows = from_lengths(gather(rows, starts, np.stack([head, tail], 1).ravel()).ids, kept)
    ids = np.insert(rows.ids, rows.offsets[:-1], START).astype(np.int32)
    return from_lengths(ids, kept + 1)
