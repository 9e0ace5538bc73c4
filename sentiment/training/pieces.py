"""Pieces of reviews, for a network to learn from before it sees labels."""

from sentiment.preparation.prepared import Prepared
from sentiment.ragged import Ragged, cut

PIECE = 50  # words, at most


def longest(data: Prepared) -> int:
    """Words of a piece, such that the network sees all of it."""
    return min(PIECE, data.encoder.settings.max_length - 1)


def of_splits(data: Prepared, *splits: int) -> Ragged:
    """The numbers of their words, in the order of the reviews of these splits."""
    return cut(data.words.take(data.rows(*splits)), longest(data))
