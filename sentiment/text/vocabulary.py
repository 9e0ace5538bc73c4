"""From words to ids: the vocabulary, and the encoder that a model has."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from sentiment.ragged import Ragged, concatenate, from_lengths, from_lists, gather
from sentiment.settings import TextSettings
from sentiment.text.ngrams import NONE, Ngrams
from sentiment.text.words import STOP_WORDS, Words, clean, clean_plain, find_words, is_unusual, to_arrow

LITTLE = 4096  # characters that Python cleans sooner than Arrow
MIN_COUNT = 2  # occurrences that give a word a token id
PADDING, START, UNKNOWN, FIRST_WORD = 0, 1, 2, 4  # as in keras.datasets.imdb, where 3 is not used either


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
    both together a word's number is its index, from 1; 0 is any other word.
    """

    settings: TextSettings
    vocabulary: tuple[str, ...]
    more_words: tuple[str, ...] = ()
    ngrams: Ngrams = NONE

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {word: index + 1 for index, word in enumerate(self.vocabulary + self.more_words)}

    @property
    def size(self) -> int:
        """Number of token ids: what an embedding has rows."""
        return FIRST_WORD + len(self.vocabulary)

    def encode(self, texts: list[str]) -> Encoded:
        return self.encode_numbers(self.number(texts))

    def number(self, texts: list[str]) -> Ragged:
        """The number of each word of each text."""
        known = self._numbers
        if sum(map(len, texts)) <= LITTLE and not any(map(is_unusual, texts)):
            rows = [[known.get(word, 0) for word in self._words(clean_plain(text, self.settings))] for text in texts]
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
        """The positions of those words of a text of so many that `tokens` keeps: `<int32>[kept]`, from 0."""
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
        """The encoder, and all rows by its numbers.

        Its words are those of the rows `counted`, the most frequent first (equal ones by alphabet). Words that occur once have no token id.
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
