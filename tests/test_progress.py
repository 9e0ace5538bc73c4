"""Progress: without a terminal a line a minute, with the time that is left; bars on a terminal."""

import json
import os
import pty
import re
import select
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from sentiment.paths import PROJECT, cache_folder
from sentiment.progress import Bar, EpochsBar, TrainerBar, Wait, bars, durations, remaining, waiting


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (bars, waiting):
        monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


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
    bar = EpochsBar("train", "jax", 4)
    clock.now += 500
    bar.set(1, 50)
    bar.end_epoch("epoch 1")
    clock.now += 70
    bar.set(0, 50)
    bar.close()
    assert capsys.readouterr().out == (
        "train: starting Keras on jax, about 10 s\nepoch 1\ntrain, at most 4 epochs: 50 of 200 tokens, about 4 min left\n"
    )


def test_epochs_of_less_than_a_minute_say_what_is_left_of_a_long_training(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    bar = EpochsBar("train", "jax", 4)
    bar.set(1, 50)
    for epoch in range(1, 5):
        clock.now += 40
        bar.set(50, 50)
        bar.end_epoch(f"epoch {epoch}")
    bar.close()
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:] == ["epoch 1, about 2 min left", "epoch 2, about 80 s left", "epoch 3", "epoch 4"]


def test_a_wait_is_expected_to_last_as_long_as_the_last_one(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    for seconds in (25, 3):
        with Wait("a start", 10):
            clock.now += seconds
    assert capsys.readouterr().out == "a start, about 10 s\na start, about 25 s\n"
    assert durations.last("a start", 10) == 3


def test_a_wait_is_as_long_as_there_is_much_to_wait_for(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    for amount in (5, 20):
        with Wait("a job", 2, amount):
            clock.now += 3 * amount
    assert capsys.readouterr().out == "a job, about 10 s\na job, about 60 s\n"


def test_a_wait_that_failed_is_not_remembered(clock: Clock) -> None:
    with pytest.raises(KeyError), Wait("a start", 10):
        raise KeyError
    Wait("another", 10).close()
    assert durations.last("a start", 10) == durations.last("another", 10) == 10


@pytest.mark.parametrize("content", ["", "[1]", '{"a start": "soon"}', '{"a start": -1}', '{"a start": null}'])
def test_a_damaged_file_of_durations_is_passed_over(content: str) -> None:
    path = cache_folder() / durations.FILE
    path.parent.mkdir(parents=True)
    path.write_text(content)
    assert durations.last("a start", 10) == 10
    durations.remember("a start", 4)
    assert durations.last("a start", 10) == 4
    assert list(path.parent.iterdir()) == [path]


def test_nothing_is_remembered_where_nothing_can_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    durations.remember("a start", 4)
    assert durations.last("a start", 10) == 10


PROGRAM = """
import time
from sentiment.progress import EpochsBar

bar = EpochsBar("train", "jax", 2)
time.sleep(2)
for tokens in range(1, 30):
    time.sleep(0.1)
    bar.set(tokens, 30)
bar.close()
"""


def on_a_terminal(columns: int, cache: Path) -> str:
    """What the program writes to one that is so wide."""
    (cache / "mlflow-sentiment").mkdir(parents=True, exist_ok=True)
    (cache / "mlflow-sentiment" / durations.FILE).write_text(json.dumps({"train: starting Keras on jax": 4}))
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, columns))
    environment = os.environ | {"XDG_CACHE_HOME": str(cache), "PYTHONPATH": str(PROJECT)}
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        written = b""
        while select.select([ours], [], [], 60)[0]:
            try:
                written += os.read(ours, 1 << 16)
            except OSError:  # Linux's way to say that nobody writes any more
                break
        assert process.wait(60) == 0
    os.close(ours)
    return written.decode()


def test_bars_with_the_time_that_is_left_on_a_terminal(tmp_path: Path) -> None:
    written = on_a_terminal(100, tmp_path)
    for title in (r"train: starting Keras on jax: .*\|", "train, at most 2 epochs: .*"):
        assert re.search(title + r" .*\d\d:\d\d<\d\d:\d\d", written)


def test_lines_on_a_terminal_without_a_width(tmp_path: Path) -> None:
    assert on_a_terminal(0, tmp_path) == "train: starting Keras on jax, about 4 s\r\n"


def test_a_trial_counts_by_its_epochs(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    bar = TrainerBar("tune", "tune, at most", "jax, torch", "trials")
    bar.set(0.25, 4)
    clock.now += 70
    bar.set(0.5, 4)
    bar.close()
    assert capsys.readouterr().out == "tune: starting Keras on jax, torch, about 10 s\ntune, at most: 0.5 of 4 trials, about 8 min left\n"
