"""Progress on the terminal: a bar where there is one, lines where there is none."""

import sys

from tqdm import tqdm


class Bar:
    """A bar over `total` units, shown once it has lasted a second, on a terminal only."""

    def __init__(self, title: str, total: int, unit: str) -> None:
        self._bar = tqdm(
            total=total, desc=title, unit=unit, unit_scale=True, delay=1, leave=False, disable=None, file=sys.stderr, dynamic_ncols=True
        )

    def advance(self, count: int) -> None:
        self._bar.update(count)

    def set(self, done: int, total: int) -> None:
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def say(self, line: str) -> None:
        """A line that stays."""
        self._bar.clear()
        print(line, flush=True)

    def close(self) -> None:
        self._bar.close()
