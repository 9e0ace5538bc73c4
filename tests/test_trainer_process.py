"""The process that trains, as its driver sees it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sentiment.backends.interpreters import ALL
from sentiment.paths import PROJECT
from sentiment.training.trainer_process import Trainer, TrainerError
from tests.processes import is_running, wait_until


@pytest.mark.slow
def test_a_trainer_ends_with_its_driver() -> None:
    """Which is killed while the trainer still imports its framework, and reads nothing."""
    code = (
        "import time; from sentiment.backends.interpreters import ALL; from sentiment.training.trainer_process import Trainer; "
        "Trainer._receive = lambda self: print(self._process.pid, flush=True) or time.sleep(600); Trainer(ALL['tensorflow'])"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT, stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout
        trainer = int(driver.stdout.readline())
        # By then it has said with whom it ends.
        wait_until(lambda: "tensorflow" in Path(f"/proc/{trainer}/maps").read_text(), driver)
        driver.send_signal(signal.SIGKILL)
    wait_until(lambda: not is_running(trainer))


@pytest.mark.slow
def test_a_trainer_that_says_nothing_is_a_failure(monkeypatch: pytest.MonkeyPatch, small: Path, tmp_path: Path) -> None:
    with Trainer(ALL["tensorflow"]) as trainer:
        os.kill(trainer._process.pid, signal.SIGSTOP)
        trainer.silence = 0.2
        with pytest.raises(TrainerError, match="said nothing"):
            trainer.score(PROJECT / "tests" / "fixtures" / "default-bilstm.h5", small)
