"""Progress of what can't be counted: its time left is that of the last time on this machine."""

import threading
import time
from typing import Self

from tqdm import tqdm

from sentiment.progress import durations
from sentiment.progress.bars import INTERVAL, has_terminal, remaining

TICK = 0.2  # seconds
FORMAT = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"


class Wait:
    """Shows that something is waited for, until that is there, or the wait is closed. A block of `with` that ends well has had it.

    title: what is done meanwhile, under which it is remembered; typical: seconds, where it was never waited for; amount: of what takes so
    long each, if it is not always as much.
    """

    def __init__(self, title: str, typical: float, amount: float = 1) -> None:
        self._title, self._amount, self._begun = title, amount, time.monotonic()
        self._expected = amount * durations.last(title, typical)
        self._over = threading.Event()
        draws = has_terminal()
        if not draws:
            print(f"{title}, about {self._expected:.0f} s", flush=True)
        self._shown = threading.Thread(target=self._draw if draws else self._write, daemon=True)
        self._shown.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *raised: object) -> None:
        if kind is None:
            self.arrived()
        self.close()

    def arrived(self) -> None:
        """What was waited for is there."""
        if not self._over.is_set():
            durations.remember(self._title, (time.monotonic() - self._begun) / self._amount)
        self.close()

    def close(self) -> None:
        self._over.set()
        self._shown.join()

    def _write(self) -> None:
        while not self._over.wait(INTERVAL):
            seconds = time.monotonic() - self._begun
            print(f"{self._title}: {seconds:.0f} s{remaining(seconds, seconds, self._expected)}", flush=True)

    def _draw(self) -> None:
        with tqdm(total=self._expected, desc=self._title, delay=1, leave=False, dynamic_ncols=True, bar_format=FORMAT) as bar:
            while not self._over.wait(TICK):
                seconds = time.monotonic() - self._begun
                bar.total = max(self._expected, seconds)
                bar.update(seconds - bar.n)
