"""Tune: alone, with several workers, with several commands on PostgreSQL, stopped and gone on with, killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import mlflow
import optuna
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from optuna.trial import TrialState

from sentiment import tracking
from sentiment.paths import PROJECT
from sentiment.preparation import prepared
from sentiment.settings import TrainSettings, TuneSettings, parameters
from sentiment.steps import trial as trial_step
from sentiment.tuning import search
from tests.conftest import Launch, opened, running

SMALL = ("--architecture=cnn", "--filters=8", "--dense-size=8", "--embedding-size=4..16", "--batch-size=8..16")
STATUS = {TrialState.COMPLETE: "FINISHED", TrialState.PRUNED: "KILLED", TrialState.FAIL: "FAILED"}


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
        assert set(run.data.params) - {"device"} == {f.name for f in parameters(TrainSettings)}
        assert run.data.params["ngrams"] == "0"
        assert {name: str(value) for name, value in trial.params.items()}.items() <= run.data.params.items()
        assert not any(name.startswith("test_") for name in run.data.metrics)
        names = {file.path for file in MlflowClient().list_artifacts(run.info.run_id)}
        assert ("model.h5" in names) == (trial.state == TrialState.COMPLETE)
        if trial.state == TrialState.COMPLETE:
            assert trial.value == run.data.metrics["network_val_auc"]
    (final,) = tracking.children(parent.info.run_id, "train")
    assert final.info.status == parent.info.status == "FINISHED"
    for name, value in study.best_trial.params.items():
        assert final.data.params[name] == str(value)
    assert int(final.data.params["ngrams"]) > 0
    assert "network_val_auc" in final.data.metrics
    assert int(final.data.params["epochs"]) == study.best_trial.user_attrs["best_epoch"]
    assert parent.data.metrics["best_val_auc"] == study.best_value
    assert parent.data.metrics["test_accuracy"] == tracking.children(parent.info.run_id, "evaluate")[0].data.metrics["test_accuracy"]
    (registered,) = tracking.children(parent.info.run_id, "register")
    assert registered.data.tags["candidate_run_id"] == final.info.run_id
    assert registered.data.tags["gate"] in ("passed", "rejected")
    assert {"search.html", "report.html"} <= {file.path for file in MlflowClient().list_artifacts(parent.info.run_id)}
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


def test_a_trainer_that_dies_while_it_starts(launch: Launch, journal: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_DEFAULT_ARTIFACT_ROOT", str(tmp_path / "artifacts"))
    prepare(launch)
    process = command("--trials=2", "--epochs=2", "--study=s", f"--storage={journal}", "--register=false")
    os.kill(trainer_of(process.pid), signal.SIGKILL)
    told, _ = process.communicate(timeout=300)
    assert process.returncode == 0, told
    study, _ = search.open_study(search.open_storage(journal), "s", "val_auc")
    parent = parent_of("s").info.run_id
    runs = {run.data.tags["trial"]: run for run in tracking.children(parent, "trial")}
    assert [STATUS[trial.state] for trial in study.trials] == ["FAILED", "FINISHED"]
    assert [runs[str(trial.number)].info.status for trial in study.trials] == ["FAILED", "FINISHED"]
    assert runs["0"].data.tags["failure"].startswith("The tensorflow trainer was killed by signal 9")


def test_a_trial_that_failed_without_a_run_gets_one(store: str, journal: str, small: Path) -> None:
    """As when the tracking server was away at its beginning."""
    study, _ = search.open_study(search.open_storage(journal), "s", "val_auc")
    settings = TuneSettings()

    def fail(suggested: optuna.Trial) -> float:
        if suggested.number:
            search.suggest(suggested, settings)
        raise RuntimeError("no server" if suggested.number else "no memory")

    search.work(study, 2, fail, lambda: False)
    with mlflow.start_run() as parent:
        job = trial_step.Job(settings, "s", parent.info.run_id, prepared.read(small), {"data_fingerprint": "f"}, lambda: False)
        for _ in range(2):  # the second time there is nothing to do
            trial_step.add_missing(study, job)
        runs = sorted(tracking.children(parent.info.run_id, "trial"), key=lambda run: run.data.tags["trial"])
    assert [run.info.status for run in runs] == ["FAILED", "FAILED"]
    assert [run.data.tags["failure"] for run in runs] == ["no memory", "no server"]
    assert [run.data.tags["data_fingerprint"] for run in runs] == ["f", "f"]
    assert {name: str(value) for name, value in study.trials[1].params.items()}.items() <= runs[1].data.params.items()


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


def test_the_sizes_of_an_lstm_change_what_is_measured(launch: Launch, journal: str) -> None:
    """An LSTM of one to 32 units at learning rates that are too small and others: no two trials are alike, and one is pruned."""
    prepare(launch)
    sizes = ("--architecture=lstm", "--lstm-size=1..32", "--embedding-size=2..16", "--learning-rate=0.0001..0.05", "--batch-size=8")
    done = launch("entry_points.tune", *sizes, "--trials=10", "--epochs=6", "--study=s", f"--storage={journal}", "--register=false")
    assert done.returncode == 0, done.stderr
    study, _ = search.open_study(search.open_storage(journal), "s", "val_auc")
    complete = [trial for trial in study.trials if trial.state == TrialState.COMPLETE]
    assert len({trial.params["lstm_size"] for trial in study.trials}) > 5
    values = [trial.value for trial in complete if trial.value is not None]
    assert max(values) - min(values) > 0.1
    losses = [
        run.data.metrics["network_val_loss"]
        for run in tracking.children(parent_of("s").info.run_id, "trial")
        if run.info.status == "FINISHED"
    ]
    assert len(set(losses)) == len(losses) == len(complete)
    assert any(trial.state == TrialState.PRUNED for trial in study.trials)


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
