"""Trainings that are cut off: by a signal, by the death of a process, by a server that goes away, by numbers that are none."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from sentiment.model.scorer import Scorer
from sentiment.paths import PROJECT
from tests.processes import DEADLINE, Begin, Launch, halt_when, is_running, tracking_server, wait_until

from .commands import names, runs

pytestmark = pytest.mark.slow

SMALL = ("--backend=cntk", "--architecture=cnn", "--filters=8", "--dense-size=8", "--embedding-size=8")


@pytest.fixture
def server(tmp_path: Path, tables: Path) -> Iterator[str]:
    with tracking_server(tmp_path, tables) as url:
        yield url


def test_a_training_that_diverges_says_so(call: Launch, store: str, small: Path) -> None:
    done = call("entry_points.train", f"--prepared={small}", "--learning-rate=1e30", *SMALL)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "Lower learning_rate" in line
    assert runs(store)["train"][0].data.tags["failure"] == line


def wait_for_epoch(number: int, process: "subprocess.Popen[str]") -> None:
    assert process.stdout
    assert process.stderr
    while not re.match(rf"epoch +{number}/", line := process.stdout.readline()):
        assert line, process.stderr.read()


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("what", ["trainer killed", "interrupted", "told to end", "killed"])
def test_a_training_that_is_cut_off_ends_as_failed(begin: Begin, call: Launch, store: str, small: Path, what: str) -> None:
    process = begin("entry_points.train", f"--prepared={small}", *SMALL, "--epochs=1000", "--patience=1000")
    wait_for_epoch(2, process)
    (trainer,) = children(process.pid)
    target, number = {
        "trainer killed": (trainer, signal.SIGKILL),
        "interrupted": (process.pid, signal.SIGINT),
        "told to end": (process.pid, signal.SIGTERM),
        "killed": (process.pid, signal.SIGKILL),
    }[what]
    os.kill(target, number)
    _, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode not in (0, 2)
    wait_until(lambda: not is_running(trainer))
    if what == "killed":
        assert process.returncode == -signal.SIGKILL
        # The next command ends what is left.
        assert call("entry_points.train", f"--prepared={small}", "--backend=cntk", "--architecture=ngrams").returncode == 0
    *_, run = sorted(runs(store)["train"], key=lambda run: -run.info.start_time)
    assert run.info.status == "FAILED"
    assert len(MlflowClient(store).get_metric_history(run.info.run_id, "val_loss")) >= (1 if what == "killed" else 2)
    assert "model.h5" not in names(store, run)
    assert "Traceback" not in errors
    if what == "trainer killed":
        assert "was killed by signal 9" in errors
        assert "was killed by signal 9" in run.data.tags["failure"]
    if what == "killed":
        assert run.data.tags["failure"] == "Its process was gone."


def test_a_server_that_goes_away_costs_no_finished_model(begin: Begin, tmp_path: Path, server: str, small: Path) -> None:
    process = begin(
        "entry_points.train",
        f"--prepared={small}",
        *(*SMALL, "--epochs=200", "--patience=200"),
        MLFLOW_TRACKING_URI=server,
        MLFLOW_HTTP_REQUEST_MAX_RETRIES="0",
        TMPDIR=str(tmp_path),
    )
    wait_for_epoch(2, process)
    halt_when(process, lambda: True)
    for child in children(os.getpid()):
        if child != process.pid and "server" in Path(f"/proc/{child}/cmdline").read_text():
            os.killpg(child, signal.SIGKILL)
    process.send_signal(signal.SIGCONT)
    _, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 1
    named = re.search(r"-P folder=(\S+)", errors)
    assert named, errors
    try:
        (kept, *_) = sorted((PROJECT / named[1]).rglob("model.h5"))
        assert len(Scorer(kept).score(["good", "bad"])) == 2
    finally:
        shutil.rmtree(PROJECT / named[1])
