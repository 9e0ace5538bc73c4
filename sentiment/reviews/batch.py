"""The unit in which reviews are read."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

TRAIN, VALIDATION, TEST, UNLABELLED = 0, 1, 2, 3
SPLIT_NAMES = ("train", "validation", "test")
BATCH_SIZE = 1000

OnBytes = Callable[[int], None]  # is called with the size of each piece that was read


@dataclass(frozen=True)
class Batch:
    """Some reviews: texts, labels (1 positive, 0 negative, -1 none), splits (TRAIN where the file names none) and groups, one per review.

    Reviews of one group are about the same thing, such as a film; "": nothing is known of that. `group_names` says what groups
    of any batch so far are really called, where that stands behind the reviews; groups that it does not have are called what they are.
    `left_out`: how many reviews there were since the last batch whose labels don't count.
    """

    texts: list[str]
    labels: list[int]
    splits: list[int]
    groups: list[str]
    group_names: dict[str, str] = field(default_factory=dict, kw_only=True)
    left_out: int = field(default=0, kw_only=True)


def batched(rows: Iterable[tuple[str, int, int, str]], size: int = BATCH_SIZE) -> Iterator[Batch]:
    """Batches of (text, label, split, group) rows."""
    left = iter(rows)
    while part := list(islice(left, size)):
        yield Batch(*map(list, zip(*part, strict=True)))
