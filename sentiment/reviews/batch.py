"""The unit in which reviews are read."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

TRAIN, VALIDATION, TEST, UNLABELLED = 0, 1, 2, 3
SPLIT_NAMES = ("train", "validation", "test")
BATCH_SIZE = 1000

Heard = Callable[[int], None]  # hears of each piece of bytes read


@dataclass(frozen=True)
class Batch:
    """Some reviews: texts, labels (1 positive, 0 negative, -1 none), splits (TRAIN where the file names none) and groups, one per review.

    Reviews of one group, from 1, are about the same few things; 0: nothing is known of that.
    """

    texts: list[str]
    labels: list[int]
    splits: list[int]
    groups: list[int]


def batched(rows: Iterable[tuple[str, int, int, int]], size: int = BATCH_SIZE) -> Iterator[Batch]:
    """Batches of (text, label, split, group) rows."""
    left = iter(rows)
    while part := list(islice(left, size)):
        yield Batch(*map(list, zip(*part, strict=True)))
