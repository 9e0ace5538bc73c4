"""Progress without a terminal: a line a minute, with the time that is left."""

import pytest

from sentiment import progress
from sentiment.progress import Bar, EpochsBar, remaining


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def test_the_time_that_is_left() -> None:
    assert remaining(10, 1, 5) == ", about 40 s left"
    assert remaining(60, 1, 5) == ", about 4 min left"
    assert remaining(60, 0, 5) == remaining(60, 5, 5) == ""


def test_a_line_a_minute(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Bar("prepare", 1000, "bytes") as bar:
        for seconds in (30, 31, 31, 31):
            clock.now += seconds
            bar.advance(100)
    assert capsys.readouterr().out == (
        "prepare: 200 of 1,000 bytes, about 4 min left\nprepare: 400 of 1,000 bytes, about 3 min left\n"
    )  # the clock is at 61 and at 123 seconds


def test_the_epochs_of_a_training_from_the_first_token_on(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    bar = EpochsBar("train", 4)
    clock.now += 500  # the trainer starts
    bar.set(1, 50)
    bar.end_epoch("epoch 1")
    clock.now += 70
    bar.set(0, 50)
    bar.close()
    assert capsys.readouterr().out == "epoch 1\ntrain, at most 4 epochs: 50 of 200 tokens, about 4 min left\n"


def test_epochs_of_less_than_a_minute_say_what_is_left_of_a_long_training(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    bar = EpochsBar("train", 4)
    bar.set(1, 50)
    for epoch in range(1, 5):
        clock.now += 40
        bar.set(50, 50)
        bar.end_epoch(f"epoch {epoch}")
    bar.close()
    assert capsys.readouterr().out == "epoch 1, about 2 min left\nepoch 2, about 80 s left\nepoch 3\nepoch 4\n"
