"""Reviews in batches of like length, so that little padding is computed."""

from typing import Iterator, List, NamedTuple, Tuple

import numpy as np

MOST_LENGTHS = 8  # each padded length costs a compilation on JAX, and a model on CNTK


class Reviews(NamedTuple):
    """Token ids, ragged: review i is `ids[offsets[i]:offsets[i + 1]]`; labels are `<float32>[reviews]`."""

    ids: np.ndarray
    offsets: np.ndarray
    labels: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.offsets)


class Batch(NamedTuple):
    """Rows of the reviews, and the length they are padded to."""

    rows: np.ndarray
    length: int


def padded_lengths(lengths: np.ndarray, batch_size: int, least: int) -> List[int]:
    """The lengths that reviews are padded to: quantiles of theirs, few for few batches, the last one the longest of all.

    None is under `least`: CNTK refuses a convolution over fewer steps than its filters see.
    """
    count = int(np.clip(round(np.sqrt(len(lengths) / batch_size)), 1, MOST_LENGTHS))
    last = np.ceil(len(lengths) * np.arange(1, count + 1) / count).astype(int) - 1
    points = np.sort(lengths)[last]
    return sorted({max(int(point), least) for point in points})


def shuffled(lengths: np.ndarray, allowed: List[int], batch_size: int, random: np.random.RandomState) -> List[Batch]:
    """All rows once, in batches of one padded length each, in random order. Only the last batch of a length may be short."""
    places = np.searchsorted(allowed, lengths)
    batches = []
    for place, length in enumerate(allowed):
        rows = random.permutation(np.flatnonzero(places == place))
        batches += [Batch(rows[at : at + batch_size], length) for at in range(0, len(rows), batch_size)]
    return [batches[index] for index in random.permutation(len(batches))]


def in_order(lengths: np.ndarray, allowed: List[int], batch_size: int) -> List[Batch]:
    """All rows once, shortest first."""
    order = np.argsort(lengths, kind="mergesort")
    places = np.searchsorted(allowed, lengths[order])
    batches = []
    for place, length in enumerate(allowed):
        rows = order[places == place]
        batches += [Batch(rows[at : at + batch_size], length) for at in range(0, len(rows), batch_size)]
    return batches


def padded(reviews: Reviews, batch: Batch, size: int, inputs: List[str]) -> List[np.ndarray]:
    """`<int32>[size, length]` for each input, zeros at the end and in the rows that the batch is short of."""
    lengths = reviews.lengths[batch.rows]
    inside = np.arange(batch.length) < lengths[:, None]
    firsts, lasts = reviews.offsets[batch.rows], reviews.offsets[batch.rows + 1] - 1
    steps = np.arange(batch.length)
    arrays = []
    for name in inputs:
        places = lasts[:, None] - steps if name == "reversed_tokens" else firsts[:, None] + steps
        tokens = np.zeros((size, batch.length), np.int32)
        tokens[: len(batch.rows)][inside] = reviews.ids[places[inside]]
        arrays.append(tokens)
    return arrays


def labelled(reviews: Reviews, batches: List[Batch], size: int, inputs: List[str]) -> Iterator[Tuple[List[np.ndarray], np.ndarray, Batch]]:
    """Inputs and `<float32>[size, 1]` labels of each batch, all of the same size."""
    for batch in batches:
        labels = np.zeros((size, 1), np.float32)
        labels[: len(batch.rows), 0] = reviews.labels[batch.rows]
        yield padded(reviews, batch, size, inputs), labels, batch
