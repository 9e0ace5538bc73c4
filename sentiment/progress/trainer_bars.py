"""Progress of what a trainer does, whose clock runs from its first tokens on: until then Keras starts, or an epoch is prepared."""

from sentiment.progress.bars import Bar
from sentiment.progress.waiting import Wait

KERAS_STARTS = 10  # seconds, on two cores


class TrainerBar:
    """Progress over tokens, or other units. step: what Keras starts for; title: of what is then counted."""

    def __init__(self, step: str, title: str, backend: str, unit: str = "tokens") -> None:
        self._title, self._unit = title, unit
        self._wait = Wait(f"{step}: starting Keras on {backend}", KERAS_STARTS)
        self._bar: Bar | None = None

    def set(self, done: float, total: float) -> None:
        if self._bar is None:
            self._wait.arrived()
            self._bar = Bar(self._title, total, self._unit)
        self._bar.set(done, total)

    def print(self, line: str) -> None:
        """Prints a line above the bar."""
        self._wait.arrived()
        if self._bar:
            self._bar.print(line)
        else:
            print(line, flush=True)

    def close(self) -> None:
        self._wait.close()
        if self._bar:
            self._bar.close()


class EpochsBar(TrainerBar):
    """Progress of a training. The time that is left is for all epochs, which may be fewer.

    most: epochs.
    """

    def __init__(self, step: str, backend: str, most: int) -> None:
        super().__init__(step, f"{step}, at most {most} epochs", backend)
        self._most, self._ended = most, 0

    def set(self, done: float, total: float) -> None:
        """done, total: tokens of this epoch."""
        super().set(self._ended * total + done, self._most * total)

    def end_epoch(self, line: str) -> None:
        """Prints what came of it above the bar."""
        self._ended += 1
        self.print(line + (self._bar.unseen_remaining() if self._bar else ""))
