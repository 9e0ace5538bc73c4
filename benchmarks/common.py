"""What several benchmarks do: take a time, prepare reviews."""

import time
from collections.abc import Callable
from pathlib import Path

from sentiment import prepared, preparing
from sentiment.prepared import Prepared
from sentiment.reviews import find_source
from sentiment.settings import PrepareSettings


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def prepare(settings: PrepareSettings, path: Path) -> Prepared:
    """Writes `prepared.h5` to the path, and returns what it holds."""
    data, _ = preparing.prepare(find_source(settings), settings)
    prepared.write(data, path)
    return data
