"""N-grams of one to three words, and skip-bigrams over one or two: each a feature of a text, whether it occurs there.

A sequence is the one without its last word, and that word. So all of them are two columns of numbers, sorted, and a sequence
is only looked for where the one without its last word is there. A skip-bigram is written likewise, its last word being marked.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from sentiment.callbacks import Progress, unseen
from sentiment.ragged import Ragged, concatenate, from_lengths, from_lists

LONGEST = 3
SKIP_DISTANCES = (2, 3)  # steps from the first word of a skip-bigram to the second: "not … good"
SKIP_BIT = 1 << 30
FEW = 200  # words
PLACES = 1 << 15  # words of a text that are searched at a time
PART = 1000  # texts encoded at a time: each of their words takes some hundred bytes
LEAST = 2  # texts that a sequence has to occur in, but where there is room for all


@dataclass(frozen=True)
class Ngrams:
    """The sequences that a model knows; the first has id 1.

    prefix: the id of each without its last word (0: it has but one); last: the number of that word, `SKIP_BIT` added for a
    skip-bigram; both `<int32>[ngrams]`, in ascending order.
    """

    prefix: np.ndarray
    last: np.ndarray

    def __len__(self) -> int:
        return len(self.last)

    @property
    def words(self) -> int:
        """The highest number of a word in any of them."""
        return int((self.last & ~SKIP_BIT).max(initial=0))

    @cached_property
    def _keys(self) -> np.ndarray:
        return np.asarray(self.prefix.astype(np.int64) << 32 | self.last)

    @cached_property
    def _index(self) -> "pd.Index[int]":
        index: pd.Index[int] = pd.Index(self._keys)
        index.get_indexer(index[:1])  # makes its table, which another thread must not see half made
        return index

    def encode(self, words: Ragged, progress: Progress = unseen) -> Ragged:
        """The ids of the sequences in each row, ascending, each once.

        words: numbers from 1; 0 for one that is not known; progress: gets the rows that are done, and their number, where there are many.
        """
        if not len(self):
            return from_lengths(np.empty(0, np.int32), np.zeros(len(words), np.int64))
        if len(words.ids) <= FEW:
            return self._encode_few(words)
        if len(words) == 1:
            return self._encode_one(words.ids)
        parts = []
        for begin in range(0, len(words), PART):
            parts.append(self._encode_part(words.slice(begin, begin + PART)))
            progress(min(begin + PART, len(words)), len(words))
        return concatenate(parts)

    def _encode_part(self, words: Ragged) -> Ragged:
        row_of = np.repeat(np.arange(len(words)), words.lengths)
        pairs = _distinct(np.concatenate([row_of[starts] << 32 | ids for starts, _, ids in _walk(words, self._find)]))
        return from_lengths((pairs & 0xFFFFFFFF).astype(np.int32), np.bincount(pairs >> 32, minlength=len(words)))

    def _encode_one(self, words: np.ndarray) -> Ragged:
        """The same for one text, which may be a long one: by parts, so that it takes little memory."""
        seen = np.zeros(len(self) + 1, bool)
        for ids, _ in self.occurrences(words):
            seen[ids] = True
        ids = np.flatnonzero(seen).astype(np.int32)
        return from_lengths(ids, np.array([len(ids)]))

    def occurrences(self, words: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Where the sequences are in one text, some thousand words at a time.

        words: numbers from 1, `<int32>[words]`; 0 for one that is not known.

        Yields the ids, `<int64>[occurrences]`, and the positions of their words, `<int64>[occurrences, LONGEST]`; a shorter one has its
        last position repeated.
        """
        for begin in range(0, len(words) if len(self) else 0, PLACES):
            part = words[begin : begin + PLACES + max(LONGEST - 1, *SKIP_DISTANCES)]
            for length, (starts, lasts, ids) in enumerate(_walk(from_lengths(part, np.array([len(part)])), self._find), 1):
                positions = np.stack([starts, starts + 1 if length == LONGEST else lasts, lasts], axis=1)
                mine = starts < PLACES
                yield ids[mine], positions[mine] + begin

    def _encode_few(self, words: Ragged) -> Ragged:
        """The same, for so few words that NumPy's calls take longer than their work."""
        numbers, known = words.ids.tolist(), self._ids
        rows = []
        for begin, end in itertools.pairwise(words.offsets.tolist()):
            ids: set[int] = set()
            for at in range(begin, end):
                sequence = 0
                for word in numbers[at : min(at + LONGEST, end)]:
                    sequence = known.get(sequence << 32 | word, 0) if word else 0
                    if not sequence:
                        break
                    ids.add(sequence)
                first = known.get(numbers[at], 0)
                for word in numbers[at + SKIP_DISTANCES[0] : min(at + SKIP_DISTANCES[-1] + 1, end)] if first else ():
                    ids.add(known.get(first << 32 | SKIP_BIT | word, 0))
            ids.discard(0)
            rows.append(sorted(ids))
        return from_lists(rows)

    @cached_property
    def _ids(self) -> dict[int, int]:
        return {key: index + 1 for index, key in enumerate(self._keys.tolist())}

    def _find(self, keys: np.ndarray) -> np.ndarray:
        """The id of each key, 0 where there is none."""
        return np.asarray(self._index.get_indexer(pd.Index(keys)) + 1)


NONE = Ngrams(np.empty(0, np.int32), np.empty(0, np.int32))


def _walk(words: Ragged, find: Callable[[np.ndarray], np.ndarray]) -> Iterator[tuple[np.ndarray, ...]]:
    """Where each sequence that `find` knows by its key begins, where its last word is, and its id; the shortest sequences first."""
    ends = np.repeat(words.offsets[1:], words.lengths)
    begins, ids = np.arange(len(words.ids)), np.zeros(len(words.ids), np.int64)
    for length in range(LONGEST):
        starts, lasts, keys, adjacent = _candidates(words, ends, begins, ids, length)
        ids = find(keys)
        yield starts[ids > 0], lasts[ids > 0], ids[ids > 0]
        begins, ids = _continued(starts[:adjacent], ids[:adjacent])


def _candidates(
    words: Ragged, ends: np.ndarray, begins: np.ndarray, ids: np.ndarray, length: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """The sequences one word longer than those of `length` words that begin at `begins`, and, of single words, the skip-bigrams.

    Returns:
        Where they begin, where their last word is, their keys; and how many of them, the first, are no skip-bigrams.
    """
    parts = [_longer(words, ends, begins, ids, length)]
    if length == 1:
        parts += [_longer(words, ends, begins, ids, by, SKIP_BIT) for by in SKIP_DISTANCES]
    starts, lasts, keys = (np.concatenate(column) for column in zip(*parts, strict=True))
    return starts, lasts, keys, len(parts[0][0])


def _longer(words: Ragged, ends: np.ndarray, begins: np.ndarray, ids: np.ndarray, by: int, mark: int = 0) -> tuple[np.ndarray, ...]:
    """Of the sequences that begin at `begins`, those with a known word `by` steps on in the same row: begin, position of that word, key."""
    inside = begins + by < ends[begins]
    starts, known = begins[inside], ids[inside]
    last = words.ids[starts + by]
    starts, known, last = starts[last > 0], known[last > 0], last[last > 0]
    return starts, starts + by, known << 32 | mark | last


def _continued(starts: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sequences that have an id, which longer ones may begin with."""
    return starts[ids > 0], ids[ids > 0]


def _distinct(values: np.ndarray) -> np.ndarray:
    """Ascending, each once. NumPy's own `unique` hashes, which takes minutes for keys like these."""
    values = np.sort(values)
    return values[np.flatnonzero(np.diff(values, prepend=-1))]


def fit(words: Ragged, most: int, progress: Progress = unseen) -> Ngrams:
    """The sequences that occur in the most rows, at most so many; with one, what it begins with is among them.

    Few texts have too little in common for LEAST: of no more words than `most`, single occurrences count too.

    words: numbers from 1; 0 for one to leave out; progress: gets the lengths that are counted, and their number.
    """
    if not most:
        return NONE
    least = LEAST if len(words.ids) > most else 1
    row_of, ends = np.repeat(np.arange(len(words)), words.lengths), np.repeat(words.offsets[1:], words.lengths)
    begins, ids = np.arange(len(words.ids)), np.zeros(len(words.ids), np.int64)
    all_keys, counts = np.empty(0, np.int64), np.empty(0, np.int64)
    for length in range(LONGEST):
        starts, _, keys, adjacent = _candidates(words, ends, begins, ids, length)
        new_keys, new_counts, ids = _number(keys, row_of[starts], least, len(all_keys))
        all_keys, counts = np.concatenate([all_keys, new_keys]), np.concatenate([counts, new_counts])
        begins, ids = _continued(starts[:adjacent], ids[:adjacent])
        progress(length + 1, LONGEST)
    kept = counts > np.sort(counts)[-most - 1] if len(counts) > most else np.ones(len(counts), bool)
    ids = np.concatenate(([0], np.cumsum(kept)))
    return Ngrams(ids[all_keys[kept] >> 32].astype(np.int32), (all_keys[kept] & 0xFFFFFFFF).astype(np.int32))


def _number(keys: np.ndarray, rows: np.ndarray, least: int, known: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The distinct keys that occur in at least so many rows, in how many, and the id of each of `keys`: 0, or `known` + 1 and on."""
    codes, distinct = pd.factorize(keys)
    in_rows = np.bincount(_distinct(rows << 32 | codes) & 0xFFFFFFFF, minlength=len(distinct))
    kept = np.flatnonzero(in_rows >= least)
    kept = kept[np.argsort(distinct[kept])]
    ids = np.zeros(len(distinct), np.int64)
    ids[kept] = np.arange(known + 1, known + len(kept) + 1)
    return distinct[kept], in_rows[kept], ids[codes]
