"""Requests side by side, in threads that keep no process from ending, as those of `concurrent.futures` do: a server may hang."""

from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

AT_ONCE = 64


def as_completed(tasks: Sequence[Callable[[], Any]], at_once: int = AT_ONCE) -> Iterator[tuple[int, Any, BaseException | None]]:
    """Does them, so many at a time; yields the index of each that is done, and what it returned or raised."""
    waiting: SimpleQueue[int] = SimpleQueue()
    done: SimpleQueue[tuple[int, Any, BaseException | None]] = SimpleQueue()
    for index in range(len(tasks)):
        waiting.put(index)

    def work() -> None:
        while True:
            try:
                index = waiting.get_nowait()
            except Empty:
                return
            try:
                done.put((index, tasks[index](), None))
            except BaseException as error:
                done.put((index, None, error))

    for number in range(min(at_once, len(tasks))):
        Thread(target=work, daemon=True, name=f"request {number}").start()
    for _ in tasks:
        yield done.get()


def gather(tasks: Sequence[Callable[[], Any]], at_once: int = AT_ONCE) -> list[Any]:
    """What they return, in their order. Raises what one of them raised, when all are done."""
    returned = sorted(as_completed(tasks, at_once), key=lambda each: each[0])
    for _, _, error in returned:
        if error:
            raise error
    return [value for _, value, _ in returned]
