import threading
from collections.abc import Iterator

import pytest

from sentiment.preparation.prefetch import THREADS, prefetch


def test_order_is_kept_and_little_is_taken_ahead() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(20):
            taken.append(number)
            yield number

    for yielded, (item, square) in enumerate(prefetch(lambda number: number**2, items())):
        assert (item, square) == (yielded, yielded**2)
        assert len(taken) <= yielded + THREADS + 1
    assert taken == list(range(20))


def test_work_goes_on_side_by_side() -> None:
    meet = threading.Barrier(THREADS, timeout=300)  # passed only by so many at once
    assert len(list(prefetch(lambda number: meet.wait(), range(2 * THREADS)))) == 2 * THREADS


def test_what_goes_wrong_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        list(prefetch(lambda number: 1 // number, [2, 1, 0, 3]))
