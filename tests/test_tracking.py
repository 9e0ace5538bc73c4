"""What is said of a server or an experiment that can't be used, and what a command leaves around it."""

import errno
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import mlflow
import pytest
from mlflow import MlflowClient

from sentiment import command_line, tracking
from sentiment.errors import UserError
from sentiment.paths import PROJECT
from sentiment.settings import Range, ScoreSettings, TuneSettings
from sentiment.tracking import commands, server
from tests.processes import DEADLINE, Launch

from .faults import Proxy, faulty

SETTINGS = ScoreSettings(input="reviews.csv")
SECRET = "swordfish-7"


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A server that answers what a test has it answer, and nothing else; its address has a login."""
    with faulty("http://127.0.0.1:9") as proxy:
        address = proxy.url.replace("://", f"://someone:{SECRET}@")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        mlflow.set_tracking_uri(address)
        yield proxy


def refusal() -> str:
    with pytest.raises(UserError) as caught:
        server.check_server()
    return str(caught.value)


def test_a_wrong_login_is_called_so_without_the_password(proxy: Proxy) -> None:
    proxy.mode = "401"
    said = refusal()
    assert "does not take the login" in said
    assert "someone:***@" in said
    assert tracking.redact("postgresql://host/runs?user=me&password=hidden&ssl=on") == "postgresql://host/runs?user=me&password=***&ssl=on"
    assert SECRET not in said


def test_what_is_no_server_of_mlflow_is_called_so(proxy: Proxy) -> None:
    proxy.mode = "200"
    assert "What answers is not MLflow's server. Received: MLFLOW_TRACKING_URI=http://someone:***@" in refusal()


def test_a_server_that_is_too_old_is_refused(proxy: Proxy) -> None:
    proxy.answers["/version"] = (200, "2.22.1")
    assert "too old" in refusal()


def test_a_password_is_not_printed_or_tagged(call: Launch, proxy: Proxy, store: str) -> None:
    proxy.mode = "cut"
    done = call("entry_points.prepare", MLFLOW_HTTP_REQUEST_MAX_RETRIES="0", MLFLOW_TRACKING_URI=mlflow.get_tracking_uri())
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert SECRET not in done.stdout + done.stderr
    mlflow.set_tracking_uri(store)
    with pytest.raises(ValueError, match="meant"), tracking.step_run("score", SETTINGS) as run:
        raise ValueError(f"meant: http://someone:{SECRET}@host/api failed")
    tags = MlflowClient(store).get_run(run.info.run_id).data.tags
    assert tags["failure"] == "meant: http://someone:***@host/api failed"
    assert SECRET not in str(tags)


def test_a_database_that_two_made_at_once_is_called_half_made(store: str, tmp_path: Path) -> None:
    """Its tables are those of a later migration than it says that it had last, and one is missing."""
    copy = tmp_path / "half.db"
    shutil.copyfile(store.removeprefix("sqlite:///"), copy)
    with closing(sqlite3.connect(copy)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '84291f40a231'")
    mlflow.set_tracking_uri(f"sqlite:///{copy}")
    assert "of another version of MLflow" in refusal()
    with closing(sqlite3.connect(copy)) as database, database:
        database.execute("DROP TABLE inputs")
    mlflow.set_tracking_uri(f"sqlite:///{copy}?half")
    said = refusal()
    assert "can't be used" in said
    assert "half made" in said


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("sqlite:///nowhere/runs.db", "The folder of the tracking database is not there. "),
        ("sqlite:///runs.db", "The tracking database is named from another folder: `mlflow run` works in "),
        ("postgresql://me:pw@127.0.0.1:9/runs", "The tracking server does not answer. Received: MLFLOW_TRACKING_URI=postgresql://me:***@"),
    ],
)
def test_a_database_that_is_not_there_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(address)
    if "another folder" in message:
        monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    assert refusal().startswith(message)
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    tracking.fail_launched_run("train", "It was refused.")
    assert not (tmp_path / "runs.db").exists()


def test_the_disk_with_the_least_room_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = {tmp_path: 10, Path.cwd(): 100, Path(tempfile.gettempdir()): 100}
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=room[folder]))
    settings = ScoreSettings(input="reviews.csv", output=str(tmp_path / "out.csv"))
    said = command_line._unexpected(OSError(errno.ENOSPC, "No space left on device"), settings)
    assert f"most likely that of {tmp_path}." in said


def test_an_experiment_that_is_deleted_or_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    number = mlflow.create_experiment("gone")
    MlflowClient().delete_experiment(number)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "gone")
    assert "experiment is deleted" in refusal()
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "4711")
    assert "MLFLOW_EXPERIMENT_ID=4711" in refusal()
    mlflow.create_experiment("another")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "another")
    assert "does not match" in refusal()


def test_runs_are_begun_in_an_experiment_of_their_own_of_the_training_kind(launch: Launch, store: str, tmp_path: Path) -> None:
    """And what `mlflow run` begins in MLflow's own, unasked, is found from there and the other way round; a named one stands alone."""
    prepare = ["--max-length=20", "--separator=|", f"--reviews={PROJECT / 'data' / 'reviews.txt'}"]
    done = launch("entry_points.prepare", *prepare)
    assert done.returncode == 0, done.stderr
    client = MlflowClient(store)
    own = client.get_experiment_by_name("sentiment")
    assert own
    assert own.tags["mlflow.experimentKind"] == "custom_model_development"
    (first,) = client.search_runs([own.experiment_id])
    done = launch("mlflow", "run", ".", "--env-manager", "local", "-e", "prepare", "-P", "max_length=20", "-P", "separator=|")
    assert done.returncode == 0, done.stderr
    (second,) = client.search_runs(["0"])
    assert second.data.tags["reused_run_id"] == first.info.run_id
    done = launch("entry_points.prepare", *prepare, MLFLOW_EXPERIMENT_NAME="another")
    (third,) = client.search_runs([client.get_experiment_by_name("another").experiment_id])  # type: ignore[union-attr]
    assert "reused_run_id" not in third.data.tags


def of_make_run() -> list[str]:
    """What `make run` does, with prepare alone."""
    shown = subprocess.run(
        ["make", "--no-print-directory", "-n", "-o", ".venv/ready", "run"], cwd=PROJECT, capture_output=True, text=True, check=True
    ).stdout
    assert shown.count("-P backend=tensorflow") == 1
    return ["sh", "-ec", shown.replace("-P backend=tensorflow", "-e prepare -P max_length=20")]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["entry point", "make run", "mlflow run"])
def test_two_commands_at_once_in_a_fresh_folder(tmp_path: Path, how: str) -> None:
    folder, reviews = tmp_path / "fresh", PROJECT / "data" / "reviews.txt"
    folder.mkdir()
    experiment = "Default" if how == "mlflow run" else "sentiment"
    env = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(PROJECT),
        "MLFLOW_TRACKING_URI": "sqlite:///mlflow.db" if how == "entry point" else f"sqlite:///{folder / 'mlflow.db'}",
        "MLFLOW_EXPERIMENT_NAME": experiment,
        "MLFLOW_DEFAULT_ARTIFACT_ROOT": str(tmp_path / "artifacts"),
    }
    command = {
        "entry point": [sys.executable, "-m", "entry_points.prepare", f"--reviews={reviews}", "--max-length=20"],
        "make run": of_make_run(),
        "mlflow run": shlex.split(f"mlflow run {PROJECT} --env-manager local -e prepare -P reviews={reviews} -P max_length=20"),
    }[how]
    where = PROJECT if how == "make run" else folder
    both = [subprocess.Popen(command, cwd=where, env=env, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    ends = [(process.communicate(timeout=DEADLINE)[1], process.returncode) for process in both]
    assert [status for _, status in ends] == [0, 0], ends
    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    (number,) = {e.experiment_id for e in client.search_experiments() if e.name == experiment}
    assert len(client.search_runs([number], "attributes.status = 'FINISHED'")) == 2


def test_nothing_is_left_in_the_temporary_folder(launch: Launch, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    done = launch("entry_points.main", "--epochs=1", "--lstm-size=4", "--max-length=20", "--ngrams=500", TMPDIR=str(temporary))
    assert done.returncode == 0, done.stderr
    assert [path.name for path in temporary.iterdir() if path.name != ".ses"] == []  # ONNX Runtime's, when it is imported: 51 bytes


@pytest.mark.parametrize("what", ["HOME", "TMPDIR", "XDG_CACHE_HOME"])
def test_a_folder_that_can_not_be_written_costs_one_line_at_most(launch: Launch, tmp_path: Path, what: str) -> None:
    (tmp_path / "file").write_text("no folder")
    done = launch("entry_points.prepare", "--max-length=20", **{what: str(tmp_path / "file")})
    assert done.returncode in (0, 1, 2)
    assert len(done.stderr.splitlines()) <= 1
    assert "Traceback" not in done.stdout + done.stderr


def test_commands_and_addresses_are_those_of_the_tracking_server(monkeypatch: pytest.MonkeyPatch) -> None:
    assert commands.open_page("there") == ("make ui", "then open there")
    assert commands.entry_point("register", run="my run") == "mlflow run . --env-manager local -e register -P run='my run'"
    asked = TuneSettings(study="s", trials=10, epochs=2, lstm_size=Range(8, 16))
    assert commands.changed(asked) == {"study": "s", "trials": "10", "epochs": "2", "lstm_size": "8..16"}
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "sentiment")
    assert commands.entry_point("main") == "mlflow run . --env-manager local --experiment-name sentiment"
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "my reviews")
    assert commands.entry_point("main") == "mlflow run . --env-manager local --experiment-name 'my reviews'"
    mlflow.set_tracking_uri(f"https://someone:{SECRET}@example.com/mlflow/")
    assert commands.curves_page("3").startswith("https://example.com/mlflow/#/experiments/3/runs?")
