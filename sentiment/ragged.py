"""Rows of different lengths in two flat arrays."""

from dataclasses import dataclass
from itertools import chain

import numpy as np


@dataclass(frozen=True)
class Ragged:
    """Row i is `ids[offsets[i]:offsets[i + 1]]`.

    ids: `<int32>[tokens]`; offsets: `<int64>[rows + 1]`, from 0.
    """

    ids: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """`<int64>[rows]`."""
        return np.diff(self.offsets)

    def row(self, index: int) -> np.ndarray:
        return self.ids[self.offsets[index] : self.offsets[index + 1]]

    def take(self, rows: np.ndarray) -> "Ragged":
        """The named rows, in that order."""
        return gather(self, self.offsets[:-1][rows], self.lengths[rows])

    def slice(self, begin: int, end: int) -> "Ragged":
        """The rows from `begin` to before `end`, or to the last; their ids are not copied."""
        offsets = self.offsets[begin : end + 1]
        return Ragged(self.ids[offsets[0] : offsets[-1]], offsets - offsets[0])

    def padded(self) -> np.ndarray:
        """`<int32>[rows, longest]`, zeros at the end."""
        return self._fill(self.ids)

    def padded_reversed(self) -> np.ndarray:
        """Like `padded`, each row back to front (the zeros still at the end)."""
        if len(self) == 1:
            return self._fill(self.ids[::-1])
        ends = np.repeat(self.offsets[:-1] + self.offsets[1:] - 1, self.lengths)
        return self._fill(self.ids[ends - np.arange(len(self.ids))])

    def _fill(self, ids: np.ndarray) -> np.ndarray:
        if len(self) == 1:
            return ids[None]
        lengths = self.lengths
        out = np.zeros((len(self), lengths.max(initial=0)), np.int32)
        out[np.arange(out.shape[1]) < lengths[:, None]] = ids
        return out


def from_lengths(ids: np.ndarray, lengths: np.ndarray) -> Ragged:
    return Ragged(ids, np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))))


def from_lists(rows: list[list[int]]) -> Ragged:
    return from_lengths(np.array(list(chain.from_iterable(rows)), np.int32), np.array(list(map(len, rows)), np.int64))


def gather(rows: Ragged, starts: np.ndarray, lengths: np.ndarray) -> Ragged:
    """Runs of `rows.ids`, each by where it starts and how long it is."""
    offsets = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))
    index = np.repeat((starts - offsets[:-1]).astype(np.int32 if max(len(rows.ids), offsets[-1]) < 2**31 else np.int64), lengths)
    index += np.arange(len(index), dtype=index.dtype)
    return Ragged(rows.ids[index], offsets)


def cut(rows: Ragged, longest: int) -> Ragged:
    """Each row as the fewest pieces of at most so many ids, in order, of lengths that differ by one at most."""
    counts = -(-rows.lengths // longest)
    of_row = np.repeat(np.arange(len(rows)), counts)
    index = np.arange(len(of_row)) - np.repeat(np.cumsum(counts) - counts, counts)
    ends = rows.offsets[of_row] + rows.lengths[of_row] * (index + 1) // counts[of_row]
    return Ragged(rows.ids, np.concatenate((rows.offsets[:1], ends)))


def concatenate(parts: list[Ragged]) -> Ragged:
    ids = np.concatenate([part.ids for part in parts]) if parts else np.empty(0, np.int32)
    lengths = np.concatenate([part.lengths for part in parts]) if parts else np.empty(0, np.int64)
    return from_lengths(ids, lengths)
