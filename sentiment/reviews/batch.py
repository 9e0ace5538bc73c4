"""The unit in which reviews are read."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

TRAIN, VALIDATION, TEST = 0, 1, 2
SPLIT_NAMES = ("train", "validation", "test")
BATCH_SIZE = 1000

Heard = Callable[[int], None]  # hears of each piece of bytes read


@dataclass(frozen=True)
class Batch:
    """Some reviews: texts, labels (1 positive, 0 negative) and splits (TRAIN where the file names none), each one per review."""

    texts: list[str]
    labels: list[int]
    splits: list[int]


def batched(rows: Iterable[tuple[str, int, int]], size: int = BATCH_SIZE) -> Iterator[Batch]:
    """Batches of (text, label, split) rows."""
    texts: list[str] = []
    labels: list[int] = []
    splits: list[int] = []
    for text, label, split in rows:
        texts.append(text)
        labels.append(label)
        splits.append(split)
        if len(texts) == size:
            yield Batch(texts, labels, splits)
            texts, labels, splits = [], [], []
    if texts:
        yield Batch(texts, labels, splits)
