"""Progress on the terminal: a bar where there is one, a line a minute where there is none, both with the time that is left."""

import os
import sys
import time
from typing import Self

from tqdm import tqdm

INTERVAL = 60  # seconds between two lines


class Bar:
    """Progress over `total` units, once it has lasted a while, until it is closed, or the block of `with` ends.

    It begins anew when it is set to less than it was at.
    """

    def __init__(self, title: str, total: float, unit: str) -> None:
        self._title, self._unit, self._total = title, unit, total
        self._done = 0.0
        self._begun = self._printed = time.monotonic()
        hidden = not has_terminal()
        self._bar = tqdm(total=total, desc=title, unit=unit, unit_scale=True, delay=1, leave=False, disable=hidden, dynamic_ncols=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def advance(self, count: float) -> None:
        self.set(self._done + count, self._total)

    def set(self, done: float, total: float) -> None:
        now = time.monotonic()
        if done < self._done:
            self._begun = now
        self._bar.total = self._total = total
        self._bar.update(done - self._done)
        self._done = done
        if self._bar.disable and now - self._printed > INTERVAL:
            self._printed = now
            share = f"{_number(done)} of {_number(total)} {self._unit}"
            print(f"{self._title}: {share}{remaining(now - self._begun, done, total)}", flush=True)

    def print(self, line: str) -> None:
        """Prints a line above the bar."""
        self._printed = time.monotonic()
        self._bar.clear()
        print(line, flush=True)

    def unseen_remaining(self) -> str:
        """As `remaining`, where no bar shows it and it is long enough to be of use."""
        seconds = time.monotonic() - self._begun
        is_long = seconds_left(seconds, self._done, self._total) > INTERVAL
        return remaining(seconds, self._done, self._total) if self._bar.disable and is_long else ""

    def close(self) -> None:
        self._bar.close()


def seconds_left(seconds: float, done: float, total: float) -> float:
    """After so many seconds; 0 if it is not known."""
    return seconds / done * (total - done) if 0 < done < total else 0.0


def remaining(seconds: float, done: float, total: float) -> str:
    """`, about 3 min left`, after so many seconds; empty if it is not known."""
    if not 0 < done < total:
        return ""
    more = seconds_left(seconds, done, total)
    return f", about {more:.0f} s left" if more < 100 else f", about {more / 60:.0f} min left"


def has_terminal() -> bool:
    """Whether there is one for bars; some have no width."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns > 0
    except (OSError, ValueError):
        return False


def _number(count: float) -> str:
    return f"{count:,.1f}".removesuffix(".0")
