"""The search: alone, with several workers, with several commands on PostgreSQL, stopped and gone on with, killed."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
import optuna
import psycopg
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from optuna.storages import BaseStorage, RDBStorage
from optuna.trial import Trial, TrialState
from psycopg import sql

from sentiment import search, search_page, tracking
from sentiment.errors import Stopped, UserError
from sentiment.places import PROJECT
from sentiment.settings import METRICS, Range, TrainSettings, TuneSettings, from_text, parameters
from tests.conftest import Launch, running

SMALL = ("--architecture=cnn", "--filters=8", "--dense-size=8", "--embedding-size=4..16", "--batch-size=8..16")
STATUS = {TrialState.COMPLETE: "FINISHED", TrialState.PRUNED: "KILLED", TrialState.FAIL: "FAILED"}


def parse(name: str, text: str) -> Range:
    found: Range = from_text(next(f for f in parameters(TuneSettings) if f.name == name), text)
    return found


def test_ranges_and_fixed_values() -> None:
    assert parse("lstm_size", "16..128") == Range(16, 128)
    assert parse("lstm_size", "64") == Range(64, 64)
    assert str(parse("learning_rate", "0.0005..0.01")) == "0.0005..0.01"
    assert str(parse("dropout", "0.3")) == "0.3"
    for name, text in (
        ("lstm_size", "128..16"),
        ("lstm_size", "0..16"),
        ("dropout", "0.1..1"),
        ("batch_size", "8..many"),
        ("batch_size", "8.."),
    ):
        with pytest.raises(UserError, match=f"Received: {name}="):
            parse(name, text)


@pytest.fixture
def journal(tmp_path: Path) -> str:
    return str(tmp_path / "optuna.journal")


def test_workers_do_each_trial_once_and_no_more_than_wanted(journal: str) -> None:
    study, new = search.open_study(search.open_storage(journal), "s", METRICS[0])
    assert new
    assert not search.open_study(search.open_storage(journal), "s", METRICS[0])[1]
    done: list[int] = []

    def do(trial: Trial) -> float:
        x = trial.suggest_float("x", 0, 1)
        time.sleep(0.02)
        done.append(trial.number)
        if trial.number == 3:
            raise RuntimeError("out of memory")
        if trial.number == 5:
            raise Stopped("by hand")
        if trial.number == 7:
            raise optuna.TrialPruned
        return x

    workers = [threading.Thread(target=search.work, args=(search.view(study, seed), 12, do, lambda: False)) for seed in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    counted = search.counted(study)
    assert len(counted) == 12
    assert sorted(done) == sorted({trial.number for trial in counted} | {5})
    assert [trial.number for trial in counted if trial.state == TrialState.FAIL] == [3]
    assert next(trial for trial in counted if trial.number == 3).user_attrs[search.FAILURE] == "out of memory"
    search.work(search.view(study, 0), 12, do, lambda: False)  # nothing is left to do
    assert len(done) == 13


def test_same_seed_same_trials(tmp_path: Path) -> None:
    def tried(file: str) -> list[dict[str, object]]:
        study, _ = search.open_study(search.open_storage(str(tmp_path / file)), "s", "val_loss")
        settings = TuneSettings(lstm_size=Range(64, 64))
        search.work(search.view(study, 1), 9, lambda trial: search.suggest(trial, settings)["dropout"], lambda: False)
        return [trial.params for trial in study.trials]

    first = tried("a")
    assert first == tried("b")
    assert set(first[0]) == {"embedding_size", "dropout", "learning_rate", "batch_size"}


WORKER = """
import sys, time
from sentiment import search
search.HEARTBEAT, search.GRACE = 1, 3
study, _ = search.open_study(search.open_storage(sys.argv[1]), "s", "val_auc")
def do(trial):
    if sys.argv[2:]:
        trial.set_user_attr(search.PROCESS, (sys.argv[2], 1, ""))
    print("begun", flush=True)
    time.sleep(600)
search.work(search.view(study, 1), 1, do, lambda: False)
"""


def test_a_killed_process_s_trial_is_given_up(journal: str) -> None:
    _kill_in_trial(journal)


def test_a_trial_whose_process_died_before_it_said_who_it_is(journal: str, monkeypatch: pytest.MonkeyPatch) -> None:
    study, _ = search.open_study(search.open_storage(journal), "s", "val_auc")
    study.ask()
    search.give_up_dead(study)
    assert [trial.state for trial in study.trials] == [TrialState.RUNNING]
    monkeypatch.setattr(search, "GRACE", 0)
    search.give_up_dead(study)
    assert [trial.state for trial in study.trials] == [TrialState.FAIL]


def test_another_machine_s_trial_is_given_up_when_its_heartbeat_stops(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "HEARTBEAT", 1)
    monkeypatch.setattr(search, "GRACE", 3)
    _kill_in_trial(database, "another-machine")


@contextmanager
def opened(given: str) -> Iterator[BaseStorage]:
    """A storage; a database's connections are closed at the end."""
    storage = search.open_storage(given)
    yield storage
    if isinstance(storage, RDBStorage):
        storage.remove_session()
        storage.engine.dispose()


def _kill_in_trial(given: str, *host: str) -> None:
    victim = subprocess.Popen([sys.executable, "-c", WORKER, given, *host], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    assert victim.stdout
    with victim.stdout:
        assert victim.stdout.readline() == "begun\n"
        victim.kill()
        victim.wait()
    with opened(given) as storage:
        study, _ = search.open_study(storage, "s", "val_auc")
        assert [trial.state for trial in study.trials] == [TrialState.RUNNING]
        search.work(search.view(study, 1), 1, lambda trial: 0.5, lambda: False)
        assert [trial.state for trial in study.trials] == [TrialState.FAIL, TrialState.COMPLETE]
        assert len(search.counted(study)) == 1


def test_page_of_few_trials() -> None:
    study = optuna.create_study(direction="maximize")
    assert "No trial is complete" in search_page.page(study, "val_auc")
    study.optimize(lambda trial: trial.suggest_float("dropout", 0, 1), n_trials=1)
    assert "val_auc" in search_page.page(study, "val_auc")


def prepare(launch: Launch) -> None:
    assert launch("entry_points.prepare", "--sample=120", "--vocabulary-size=300", "--max-length=30").returncode == 0


def parent_of(study: str) -> Run:
    (found,) = mlflow.search_runs(
        search_all_experiments=True, filter_string=f"tags.step = 'tune' and tags.study = '{study}'", output_format="list"
    )
    assert isinstance(found, Run)
    return found


def check(study: optuna.Study, wanted: int) -> Run:
    """Every trial is accounted for once, in Optuna and in MLflow, and one final model was made of the best."""
    parent = parent_of(study.study_name)
    counted = search.counted(study)
    assert len(counted) == wanted
    assert all(trial.state.is_finished() for trial in study.trials)
    runs = tracking.children(parent.info.run_id, "trial")
    by_number = {run.data.tags["trial"]: run for run in runs}
    assert len(by_number) == len(runs)
    for trial in counted:
        run = by_number[str(trial.number)]
        assert run.info.status == STATUS[trial.state]
        assert set(run.data.params) == {f.name for f in parameters(TrainSettings)}
        assert not any(name.startswith("test_") for name in run.data.metrics)
        names = {file.path for file in MlflowClient().list_artifacts(run.info.run_id)}
        assert ("model.h5" in names) == (trial.state == TrialState.COMPLETE)
    (final,) = tracking.children(parent.info.run_id, "train")
    assert final.info.status == parent.info.status == "FINISHED"
    assert final.data.params["lstm_size"] == str(study.best_trial.params["lstm_size"])
    assert int(final.data.params["epochs"]) == study.best_trial.user_attrs["best_epoch"]
    assert parent.data.metrics["best_val_auc"] == study.best_value
    assert parent.data.metrics["test_accuracy"] == tracking.children(parent.info.run_id, "evaluate")[0].data.metrics["test_accuracy"]
    (registered,) = tracking.children(parent.info.run_id, "register")
    assert registered.data.tags["candidate_run_id"] == final.info.run_id
    assert registered.data.tags["gate"] in ("passed", "rejected")
    assert "search.html" in {file.path for file in MlflowClient().list_artifacts(parent.info.run_id)}
    assert not mlflow.search_runs(search_all_experiments=True, filter_string="attributes.status = 'RUNNING'", output_format="list")
    return parent


def trainer_of(pid: int) -> int:
    """The process of one trainer that another process has started."""
    while True:
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                words, stat = (entry / "cmdline").read_bytes().split(b"\0"), (entry / "stat").read_text()
            except OSError:
                continue
            if b"sentiment.trainer" in words and int(stat.rpartition(")")[2].split()[1]) == pid:
                return int(entry.name)
        time.sleep(0.05)


def wait_for(what: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    while not what():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)


def command(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "entry_points.tune", *SMALL, *arguments],
        cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_two_workers_and_a_crash(launch: Launch, journal: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_DEFAULT_ARTIFACT_ROOT", str(tmp_path / "artifacts"))
    prepare(launch)
    process = command("--trials=4", "--workers=2", "--epochs=3", "--study=s", f"--storage={journal}")
    assert process.stdout
    first = process.stdout.readline()
    assert first.startswith("tune: study s"), first
    study, _ = search.open_study(search.open_storage(journal), "s", "val_auc")
    wait_for(lambda: any(trial.intermediate_values for trial in study.trials), process)
    os.kill(trainer_of(process.pid), signal.SIGKILL)
    told, _ = process.communicate(timeout=300)
    assert process.returncode == 0, told
    parent = check(study, 4)
    (failed,) = (run for run in tracking.children(parent.info.run_id, "trial") if run.info.status == "FAILED")
    assert "was killed by signal 9" in failed.data.tags["failure"]
    assert "failed: The tensorflow trainer was killed by signal 9" in told


def test_interrupted_and_gone_on_with_on_cntk(launch: Launch, journal: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_DEFAULT_ARTIFACT_ROOT", str(tmp_path / "artifacts"))
    prepare(launch)
    same = ("--backend=cntk", "--trials=3", "--epochs=20", "--patience=20", "--study=s", f"--storage={journal}")
    process = command(*same)
    storage = search.open_storage(journal)
    wait_for(lambda: "s" in optuna.get_all_study_names(storage), process)
    study, _ = search.open_study(storage, "s", "val_auc")
    wait_for(lambda: len(study.trials) == 2 and bool(study.trials[1].intermediate_values), process)
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=300)
    assert process.returncode == 1
    assert told.splitlines()[-1] == "Stopped: 1 of 3 trials are done. Go on with the same command and -P study=s."
    before = parent_of("s")
    assert before.info.status == "KILLED"
    stopped = next(run for run in tracking.children(before.info.run_id, "trial") if run.info.status == "KILLED")
    assert stopped.data.tags["ended"].startswith("stopped after epoch")
    other = launch("entry_points.tune", *SMALL, *same, "--lstm-size=8")
    assert other.returncode == 2
    assert "Received: study=s, lstm_size=8, where it has 16..128." in other.stderr
    again = launch("entry_points.tune", *SMALL, *same)
    assert again.returncode == 0, again.stdout + again.stderr
    assert check(study, 3).info.run_id == before.info.run_id
    once_more = launch("entry_points.tune", *SMALL, *same)  # all is done already
    assert once_more.returncode == 0, once_more.stderr
    check(study, 3)


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL server, without a database's name; it may not run as root."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    folders = [*map(str, reversed(programs)), os.environ.get("PATH", "")]
    server = shutil.which("postgres", path=os.pathsep.join(folders))
    assert server, "There is no PostgreSQL server on this machine."
    owner = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    if owner:
        shutil.chown(folder, owner)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    initialize = [str(Path(server).parent / "initdb"), "-D", str(folder / "data"), "-U", "tuner", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run(initialize, check=True, capture_output=True, user=owner, cwd=folder)
    options = ["-D", str(folder / "data"), "-p", str(port), "-h", "127.0.0.1", "-k", str(folder), "-c", "fsync=off"]
    with (folder.parent / f"{folder.name}.log").open("w") as log:
        process = subprocess.Popen([server, *options], stdout=log, stderr=log, user=owner, cwd=folder)
    try:
        ready = [str(Path(server).parent / "pg_isready"), "-h", "127.0.0.1", "-p", str(port)]
        while subprocess.run(ready, capture_output=True).returncode:
            assert process.poll() is None, Path(log.name).read_text()
            time.sleep(0.1)
        yield f"postgresql://tuner@127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)  # its fast shutdown
        process.wait(60)
        shutil.rmtree(folder)
        Path(log.name).unlink()


@pytest.fixture
def database(postgres: str) -> str:
    """The address of a new database."""
    name = f"study{time.monotonic_ns()}"
    with psycopg.connect(f"{postgres}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return f"{postgres}/{name}"


def test_three_commands_on_postgresql_one_of_them_killed(
    launch: Launch, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = ("--backend-store-uri", f"sqlite:///{tmp_path / 'server.db'}", "--artifacts-destination", str(tmp_path / "artifacts"))
    with running(tmp_path, "/health", "server", *places, "--workers", "1") as url, opened(database) as storage:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
        mlflow.set_tracking_uri(url)
        prepare(launch)
        arguments = ("--trials=8", "--epochs=30", "--patience=30", "--study=s", f"--storage={database}")
        commands = [command(*arguments) for _ in range(3)]
        victim = commands[2]
        wait_for(lambda: "s" in optuna.get_all_study_names(storage), victim)
        study, _ = search.open_study(storage, "s", "val_auc")

        def at_work() -> bool:
            trials = study.get_trials(states=(TrialState.RUNNING,))
            return any(trial.user_attrs.get(search.PROCESS, [0, 0])[1] == victim.pid and trial.intermediate_values for trial in trials)

        wait_for(at_work, victim)
        victim.kill()
        for process in commands:
            told, _ = process.communicate(timeout=600)
            assert process.returncode == (-signal.SIGKILL if process is victim else 0), told
        parent = check(study, 8)
        failures = [run.data.tags.get("failure") for run in tracking.children(parent.info.run_id, "trial")]
        assert failures.count("Its process was gone.") == 1


def test_what_can_be_wrong_is_told_in_one_line(launch: Launch, tmp_path: Path) -> None:
    nothing = launch("entry_points.tune")
    assert nothing.returncode == 2
    assert nothing.stderr.startswith("There is no prepared data yet.")
    prepare(launch)
    for arguments, told in (
        (["--storage=sqlite:///s.db"], "SQLite does not hold several workers."),
        ([f"--storage={tmp_path}/none/o.journal"], "There is no folder for the study."),
        (["--storage=postgresql://me:secret@127.0.0.1:1/s"], "The study's storage does not answer."),
        (["--lstm-size=32..8"], "The range of lstm_size is empty."),
    ):
        found = launch("entry_points.tune", *arguments)
        assert found.returncode == 2
        assert found.stderr.startswith(told)
        assert len(found.stderr.splitlines()) == 1
        assert "secret" not in found.stderr
