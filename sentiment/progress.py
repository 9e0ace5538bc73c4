"""Progress on the terminal: a bar where there is one, a line a minute where there is none, both with the time that is left."""

import time
from typing import Self

from tqdm import tqdm

INTERVAL = 60  # seconds between two lines


class Bar:
    """Progress over `total` units, once it has lasted a while, until it is closed, or the block of `with` ends.

    It begins anew when it is set to less than it was at.
    """

    def __init__(self, title: str, total: int, unit: str) -> None:
        self._title, self._unit, self._done, self._total = title, unit, 0, total
        self._begun = self._printed = time.monotonic()
        self._bar = tqdm(total=total, desc=title, unit=unit, unit_scale=True, delay=1, leave=False, disable=None, dynamic_ncols=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def advance(self, count: int) -> None:
        self.set(self._done + count, self._total)

    def set(self, done: int, total: int) -> None:
        now = time.monotonic()
        if done < self._done:
            self._begun = now
        self._bar.total = self._total = total
        self._bar.update(done - self._done)
        self._done = done
        if self._bar.disable and now - self._printed > INTERVAL:
            self._printed = now
            print(f"{self._title}: {done:,} of {total:,} {self._unit}{remaining(now - self._begun, done, total)}", flush=True)

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


class EpochsBar:
    """Progress of a training, whose clock runs from its first tokens on. The time that is left is for all epochs, which may be fewer.

    most: epochs.
    """

    def __init__(self, title: str, most: int) -> None:
        self._title, self._most, self._ended = title, most, 0
        self._bar: Bar | None = None

    def set(self, done: int, total: int) -> None:
        """done, total: tokens of this epoch."""
        if self._bar is None:
            self._bar = Bar(f"{self._title}, at most {self._most} epochs", 0, "tokens")
        self._bar.set(self._ended * total + done, self._most * total)

    def end_epoch(self, line: str) -> None:
        """Prints what came of it above the bar."""
        self._ended += 1
        self.print(line + (self._bar.unseen_remaining() if self._bar else ""))

    def print(self, line: str) -> None:
        if self._bar:
            self._bar.print(line)
        else:
            print(line, flush=True)

    def close(self) -> None:
        if self._bar:
            self._bar.close()


def seconds_left(seconds: float, done: int, total: int) -> float:
    """After so many seconds; 0 if it is not known."""
    return seconds / done * (total - done) if 0 < done < total else 0.0


def remaining(seconds: float, done: int, total: int) -> str:
    """`, about 3 min left`, after so many seconds; empty if it is not known."""
    if not 0 < done < total:
        return ""
    more = seconds_left(seconds, done, total)
    return f", about {more:.0f} s left" if more < 100 else f", about {more / 60:.0f} min left"
