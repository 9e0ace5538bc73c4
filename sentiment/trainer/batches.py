"""Reviews in batches of like length, so that little padding is computed."""

from typing import Iterator, List, NamedTuple, Tuple

import numpy as np

UNKNOWN = 2  # the token id of a word that has none


class Sequences(NamedTuple):
    """Row i is `ids[offsets[i]:offsets[i + 1]]`."""

    ids: np.ndarray
    offsets: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.offsets)


class Reviews(NamedTuple):
    """Token ids and ids of n-grams, a row each; labels are `<float32>[reviews]`."""

    tokens: Sequences
    ngrams: Sequences
    labels: np.ndarray


class PaddedBatch(NamedTuple):
    """Rows of the reviews, and what they are padded to: `shape` is tokens and n-grams."""

    rows: np.ndarray
    shape: Tuple[int, int]


class Buckets(NamedTuple):
    """What reviews are padded to: `shapes`, tokens and n-grams; `bucket_of` says which of these each review has."""

    shapes: List[Tuple[int, int]]
    bucket_of: np.ndarray


def buckets(reviews: Reviews, batch_size: int, least: int, most: int) -> Buckets:
    """Buckets by length: quantiles of it, few for few batches, at most so many, the last one the longest of all.

    None is under `least` tokens: CNTK refuses a convolution over fewer steps than its filters see.
    """
    lengths, ngrams = reviews.tokens.lengths, reviews.ngrams.lengths
    if not len(lengths):
        return Buckets([], lengths)
    count = int(np.clip(round(np.sqrt(len(lengths) / batch_size)), 1, most))
    last = np.ceil(len(lengths) * np.arange(1, count + 1) / count).astype(int) - 1
    allowed = sorted({max(int(point), least) for point in np.sort(lengths)[last]})
    bucket_of = np.searchsorted(allowed, lengths)
    widest = [int(ngrams[bucket_of == bucket].max(initial=1)) for bucket in range(len(allowed))]  # CNTK refuses no n-grams at all
    return Buckets(list(zip(allowed, widest)), bucket_of)


def shuffled(within: Buckets, batch_size: int, random: np.random.RandomState) -> List[PaddedBatch]:
    """All rows once, in batches of one shape each, in random order. Only the last batch of a shape may be short."""
    batches = []
    for bucket, shape in enumerate(within.shapes):
        rows = random.permutation(np.flatnonzero(within.bucket_of == bucket))
        batches += [PaddedBatch(rows[at : at + batch_size], shape) for at in range(0, len(rows), batch_size)]
    return [batches[index] for index in random.permutation(len(batches))]


def apply_word_dropout(reviews: Reviews, share: float, random: np.random.RandomState) -> Reviews:
    """The reviews, of whose words that share is drawn and taken for unknown."""
    ids = reviews.tokens.ids
    drawn = (random.random_sample(len(ids)) < share) & (ids > UNKNOWN)
    return reviews._replace(tokens=Sequences(np.where(drawn, np.int32(UNKNOWN), ids), reviews.tokens.offsets))


def in_order(within: Buckets, batch_size: int) -> List[PaddedBatch]:
    """All rows once, bucket by bucket."""
    batches = []
    for bucket, shape in enumerate(within.shapes):
        rows = np.flatnonzero(within.bucket_of == bucket)
        batches += [PaddedBatch(rows[at : at + batch_size], shape) for at in range(0, len(rows), batch_size)]
    return batches


def padded(reviews: Reviews, batch: PaddedBatch, size: int, inputs: List[str]) -> List[np.ndarray]:
    """`<int32>[size, length]` for each input, zeros at the end and in the rows that the batch is short of."""
    length, ngrams = batch.shape
    made = {
        "tokens": lambda: _filled(reviews.tokens, batch.rows, size, length),
        "reversed_tokens": lambda: _filled(reviews.tokens, batch.rows, size, length, backward=True),
        "ngrams": lambda: _filled(reviews.ngrams, batch.rows, size, ngrams),
    }
    return [made[name]() for name in inputs]


def _filled(sequences: Sequences, rows: np.ndarray, size: int, length: int, backward: bool = False) -> np.ndarray:
    """`<int32>[size, length]`: the rows, zeros behind each, and rows of zeros."""
    inside = np.arange(length) < sequences.lengths[rows][:, None]
    steps = np.arange(length)
    indices = sequences.offsets[rows + 1, None] - 1 - steps if backward else sequences.offsets[rows, None] + steps
    array = np.zeros((size, length), np.int32)
    array[: len(rows)][inside] = sequences.ids[indices[inside]]
    return array


def labelled(
    reviews: Reviews, batches: List[PaddedBatch], size: int, inputs: List[str]
) -> Iterator[Tuple[List[np.ndarray], np.ndarray, PaddedBatch]]:
    """Inputs and `<float32>[size, 1]` labels of each batch, all of the same size."""
    for batch in batches:
        labels = np.zeros((size, 1), np.float32)
        labels[: len(batch.rows), 0] = reviews.labels[batch.rows]
        yield padded(reviews, batch, size, inputs), labels, batch


def following(tokens: np.ndarray) -> np.ndarray:
    """The token after each one, 0 after the last: `<int32>[rows, time]`."""
    return np.concatenate([tokens[:, 1:], np.zeros_like(tokens[:, :1])], 1)


def weights(labels: np.ndarray, label_weights: List[float]) -> np.ndarray:
    """By the labels of a batch, `<float32>[size, 1]`, 0 or 1 or between: `<float32>[size]`. label_weights: of 0 and of 1."""
    negative, positive = label_weights
    return (negative + (positive - negative) * labels[:, 0]).astype(np.float32)
