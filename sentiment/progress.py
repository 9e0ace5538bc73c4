"""Progress on the terminal: a bar where there is one, lines where there is none."""

import time

from tqdm import tqdm

EVERY = 15  # seconds between two lines


class Bar:
    """Progress over `total` units, once it has lasted a while: a bar, or a line now and then where there is no terminal."""

    def __init__(self, title: str, total: int, unit: str) -> None:
        self._title, self._unit, self._done, self._total = title, unit, 0, total
        self._told = time.monotonic()
        self._bar = tqdm(total=total, desc=title, unit=unit, unit_scale=True, delay=1, leave=False, disable=None, dynamic_ncols=True)

    def advance(self, count: int) -> None:
        self.set(self._done + count, self._total)

    def set(self, done: int, total: int) -> None:
        self._bar.total = self._total = total
        self._bar.update(done - self._done)
        self._done = done
        if self._bar.disable and time.monotonic() - self._told > EVERY:
            self._told = time.monotonic()
            print(f"{self._title}: {done:,} of {total:,} {self._unit}", flush=True)

    def say(self, line: str) -> None:
        """A line that stays."""
        self._told = time.monotonic()
        self._bar.clear()
        print(line, flush=True)

    def close(self) -> None:
        self._bar.close()
