"""What is wrong with a parameter, an environment or a server is said in one line, before the long work."""

import subprocess
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from sentiment import tracking
from tests.processes import Launch

from .commands import project

KEPT = Path(__file__).parent / "fixtures" / "cntk-bilstm.h5"


@pytest.mark.parametrize(
    ("program", "arguments", "said"),
    [
        ("train", ["--backend=nosuch"], "backend=nosuch"),
        ("train", ["--lstm-size=-1"], "lstm_size=-1"),
        ("train", ["--lstm-size=1.5"], "lstm_size=1.5"),
        ("train", ["--dropout=1"], "dropout=1"),
        ("train", ["--word-dropout=1"], "word_dropout=1"),
        ("train", ["--learning-rate=nan"], "learning_rate=nan"),
        ("train", ["--prepared=latest"], "prepared=latest"),
        ("train", ["--prepared=nosuch"], "prepared=nosuch"),
        ("train", ["--start-from=nosuch"], "start_from=nosuch"),
        ("train", ["--architecture=ngrams", "--ngrams=0"], "architecture=ngrams, ngrams=0"),
        ("train", [f"--start-from={KEPT}"], "embedding_size=8, embedding_size=50"),
        ("train", ["--nosuch=1"], "--nosuch=1"),
        ("main", ["--reviews=/nowhere.txt"], "reviews=/nowhere.txt"),
        ("main", ["--test-fraction=0"], "test_fraction=0"),
        ("prepare", ["--lowercase=maybe"], "lowercase=maybe"),
        ("parity", ["--backends=keras"], "backends=keras"),
        ("register", ["--name=o'brien"], "name=o'brien"),
        ("register", ["--alias=latest"], "alias=latest"),
        ("tune", ["--batch-size=0..64"], "batch_size=0..64"),
        ("parity", [], "run=latest"),
    ],
)
def test_a_wrong_parameter_is_answered_with_one_line(call: Launch, program: str, arguments: list[str], said: str) -> None:
    assert_refused(call(f"entry_points.{program}", *arguments), said)


def test_a_wrong_parameter_ends_the_process(launch: Launch) -> None:
    """One that the command line shows to be wrong, and one that only the store does."""
    assert_refused(launch("entry_points.train", "--lstm-size=-1"), "lstm_size=-1")
    assert_refused(launch("entry_points.parity"), "run=latest")


def assert_refused(done: "subprocess.CompletedProcess[str]", said: str) -> None:
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert said in line
    assert "Traceback" not in done.stdout + done.stderr


def test_a_run_that_mlflow_launched_says_why_it_failed(launch: Launch, call: Launch, store: str) -> None:
    client = MlflowClient(store)
    assert launch("mlflow", *project("prepared=nosuch"), "-e", "train").returncode == 1
    failed = {client.search_runs(["0"])[0].info.run_id: "no such run or file"}
    for parameter, said in (("--epochs=0", "out of range"), ("--nosuch=1", "Unrecognized")):
        made = client.create_run("0").info.run_id  # as `mlflow run` does
        assert call("entry_points.train", parameter, MLFLOW_RUN_ID=made).returncode == 2
        failed[made] = said
    for run_id, said in failed.items():
        run = client.get_run(run_id)
        assert run.info.status == "FAILED"
        assert said in run.data.tags["failure"]
        assert run.info.run_name == "train"
        assert run.data.tags[tracking.NOTE] == run.data.tags["failure"]


def test_a_run_that_is_not_ours_stays_as_it_is(call: Launch, store: str) -> None:
    """Refused for the run, or for a parameter before it is looked at."""
    client = MlflowClient(store)
    trained, others, deleted = (client.create_run("0").info.run_id for _ in range(3))
    client.set_tag(trained, "step", "train")
    client.set_terminated(trained)
    client.set_tag(others, "process", '["another"]')
    client.delete_run(deleted)
    for run_id in (trained, others, deleted, "0" * 32):
        for parameter in ("--max-length=30", "--max-length=none"):
            done = call("entry_points.prepare", parameter, MLFLOW_RUN_ID=run_id)
            assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
            assert "marked" not in done.stdout
    assert [client.get_run(each).info.status for each in (trained, others, deleted)] == ["FINISHED", "RUNNING", "RUNNING"]
    assert not any("failure" in client.get_run(each).data.tags for each in (trained, others, deleted))


def test_a_backend_that_is_not_installed(call: Launch, tmp_path: Path) -> None:
    done = call("entry_points.train", "--backend=jax", XDG_CACHE_HOME=str(tmp_path))
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "make install BACKEND=jax" in done.stderr


def test_no_python_for_cntk(call: Launch, tmp_path: Path) -> None:
    nowhere = {"XDG_CACHE_HOME": str(tmp_path), "PYENV_ROOT": str(tmp_path), "HOME": str(tmp_path), "CONDA_EXE": ""}
    done = call("entry_points.main", "--backend=cntk", PATH="/usr/bin:/bin", **nowhere)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "pyenv install 3.6" in done.stderr


def test_a_run_that_failed_has_nothing_to_train_on(call: Launch) -> None:
    with pytest.raises(ValueError, match="meant"), mlflow.start_run(tags={"step": "prepare"}) as run:
        raise ValueError("meant")
    done = call("entry_points.train", f"--prepared={run.info.run_id}")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "has no prepared.h5" in done.stderr


def test_a_server_that_is_not_there_is_told_at_once(launch: Launch) -> None:
    done = launch("entry_points.main", MLFLOW_TRACKING_URI="http://127.0.0.1:9", MLFLOW_RUN_ID="abc", MLFLOW_HTTP_REQUEST_MAX_RETRIES="0")
    assert done.returncode == 2
    assert "MLFLOW_TRACKING_URI=http://127.0.0.1:9" in done.stderr.splitlines()[0]
    assert "Traceback" not in done.stderr
