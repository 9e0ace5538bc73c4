"""Tune: alone, with several workers, with several commands on PostgreSQL, stopped and gone on with, killed."""

import functools
import os
import signal
import subprocess
from pathlib import Path

import mlflow
import optuna
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from optuna.trial import TrialState

from sentiment import tracking
from sentiment.preparation import prepared
from sentiment.registry import versions
from sentiment.settings import PrepareSettings, TrainSettings, TuneSettings, parameters
from sentiment.steps import prepare as prepare_step
from sentiment.steps import trial as trial_step
from sentiment.tuning import search
from tests.commands import project
from tests.conftest import opened
from tests.processes import DEADLINE, Begin, Launch, halt_if, halt_when, is_halted, tracking_server, wait_until

pytestmark = pytest.mark.slow

SMALL = ("--architecture=cnn", "--filters=8", "--dense-size=8", "--embedding-size=4..16", "--batch-size=8..16")
CNTK = (*SMALL, "--backend=cntk")  # which starts in the shortest time
STATUS = {TrialState.COMPLETE: "FINISHED", TrialState.PRUNED: "KILLED", TrialState.FAIL: "FAILED"}


def prepare() -> None:
    prepare_step.run(PrepareSettings(sample=120, vocabulary_size=300, max_length=30))


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
    version = versions.version("sentiment", registered.data.tags["model_version"])
    champion = versions.version_of_alias("sentiment", "champion")
    assert version.run_id == final.info.run_id
    assert registered.data.tags["gate"] == version.tags["gate"] == ("passed" if champion else "rejected")
    assert champion is None or champion.run_id == final.info.run_id
    assert {"search.html", "report.html"} <= {file.path for file in MlflowClient().list_artifacts(parent.info.run_id)}
    assert not mlflow.search_runs(search_all_experiments=True, filter_string="attributes.status = 'RUNNING'", output_format="list")
    return parent


def trainers_of(pid: int) -> list[int]:
    """The processes of the trainers that another process has started."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words, stat = (entry / "cmdline").read_bytes().split(b"\0"), (entry / "stat").read_text()
        except OSError:
            continue
        if b"sentiment.trainer" in words and int(stat.rpartition(")")[2].split()[1]) == pid:
            found.append(int(entry.name))
    return found


def begun(trial: optuna.trial.FrozenTrial, epochs: int) -> bool:
    """Whether it has had an epoch, and is not near its last."""
    return trial.state == TrialState.RUNNING and 0 < (trial.last_step or 0) < epochs / 2


def test_two_workers_and_a_crash(begin: Begin, journal: str) -> None:
    prepare()
    process = begin(
        *("entry_points.tune", *CNTK, "--pretrain=vectors", "--trials=4", "--workers=2", "--epochs=60", "--patience=60", "--study=s"),
        f"--storage={journal}",
    )
    assert process.stdout
    assert any(line.startswith("tune: study s") for line in process.stdout)
    study, _ = search.open_study(search.open_storage(journal), "s", "val_auc")

    def both_at_work() -> bool:
        """On trials whose end the trainers can't reach without the command, which tells them to go on after each epoch."""
        running = study.get_trials(states=(TrialState.RUNNING,))
        return len(trainers_of(process.pid)) == len(running) == 2 and all((trial.last_step or 0) < 50 for trial in running)

    halt_when(process, both_at_work)
    os.kill(trainers_of(process.pid)[0], signal.SIGKILL)
    process.send_signal(signal.SIGCONT)
    output, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, errors
    parent = check(study, 4)
    (learned,) = tracking.children(parent.info.run_id, "pretrain")
    assert learned.data.params["embedding_size"] == "16"  # the widest; narrower embeddings have the first of these numbers
    assert {run.data.params["pretrain"] for run in tracking.children(parent.info.run_id, "trial")} == {"vectors"}
    (failed,) = (run for run in tracking.children(parent.info.run_id, "trial") if run.info.status == "FAILED")
    assert "was killed by signal 9" in failed.data.tags["failure"]
    assert "failed: The cntk trainer was killed by signal 9" in output


def test_a_trainer_that_dies_while_it_starts(begin: Begin, journal: str) -> None:
    prepare()
    process = begin("entry_points.tune", *SMALL, "--trials=2", "--epochs=2", "--study=s", f"--storage={journal}", "--register=false")
    wait_until(lambda: bool(trainers_of(process.pid)), process)
    os.kill(trainers_of(process.pid)[0], signal.SIGKILL)
    _, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, errors
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


def test_interrupted_and_gone_on_with_on_cntk(begin: Begin, call: Launch, journal: str) -> None:
    prepare()
    same = (*CNTK, "--trials=3", "--epochs=100", "--patience=100", "--study=s", f"--storage={journal}")
    process = begin("entry_points.tune", *same)
    storage = search.open_storage(journal)
    wait_until(lambda: "s" in optuna.get_all_study_names(storage), process)
    study, _ = search.open_study(storage, "s", "val_auc")
    halt_when(process, lambda: any(begun(trial, 100) for trial in study.trials[1:]))
    process.send_signal(signal.SIGCONT)
    # Of a process that is being woken any thread may get a signal, and only the main one ends its wait by it.
    wait_until(lambda: Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "S", process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 1
    done = sum(trial.state == TrialState.COMPLETE for trial in study.trials)
    assert 1 <= done < 3
    assert errors.splitlines()[-1] == f"Stopped: {done} of 3 trials are done. Go on with the same command and -P study=s."
    before = parent_of("s")
    assert before.info.status == "KILLED"
    stopped = next(run for run in tracking.children(before.info.run_id, "trial") if run.info.status == "KILLED")
    assert stopped.data.tags["ended"].startswith("stopped after epoch")
    other = call("entry_points.tune", *same, "--lstm-size=8")
    assert other.returncode == 2
    assert "Received: study=s, lstm_size=8, where it has 16..128." in other.stderr
    again = call("entry_points.tune", *same)
    assert again.returncode == 0, again.stdout + again.stderr
    assert check(study, 3).info.run_id == before.info.run_id
    once_more = call("entry_points.tune", *same)  # all is done already
    assert once_more.returncode == 0, once_more.stderr
    check(study, 3)


def test_launched_by_mlflow_with_a_study_that_is_not_named(launch: Launch, journal: str) -> None:
    """The launched run says study=auto, and gets the name that the study was given."""
    prepare()
    sizes = ("architecture=cnn", "filters=4", "embedding_size=4", "ngrams=500")
    done = launch("mlflow", *project("backend=cntk", *sizes, "trials=2", "epochs=1", "register=false", f"storage={journal}"), "-e", "tune")
    assert done.returncode == 0, done.stderr
    (name,) = optuna.get_all_study_names(search.open_storage(journal))[:1]
    run = parent_of(name)
    assert (run.info.status, run.data.params["study"]) == ("FINISHED", "auto")
    assert len(tracking.children(run.info.run_id, "trial")) == 2


def test_the_sizes_of_an_lstm_change_what_is_measured(call: Launch, journal: str) -> None:
    """An LSTM of one to 32 units at learning rates that are too small and others: no two trials are alike, and one is pruned."""
    prepare()
    sizes = ("--architecture=lstm", "--lstm-size=1..32", "--embedding-size=2..16", "--learning-rate=0.0001..0.05", "--batch-size=8")
    done = call("entry_points.tune", *sizes, "--trials=10", "--epochs=6", "--study=s", f"--storage={journal}", "--register=false")
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
    begin: Begin, database: str, tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tracking_server(tmp_path, tables) as url, opened(database) as storage:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
        mlflow.set_tracking_uri(url)
        prepare()
        arguments = (*CNTK, "--trials=8", "--epochs=100", "--patience=100", "--study=s", f"--storage={database}")
        commands = [begin("entry_points.tune", *arguments) for _ in range(3)]
        wait_until(lambda: "s" in optuna.get_all_study_names(storage))
        study, _ = search.open_study(storage, "s", "val_auc")

        def is_at_work(process: "subprocess.Popen[str]") -> bool:
            """Whether it has a trial that has had an epoch, and is not near its last."""
            return process.pid in [trial.user_attrs[search.PROCESS][1] for trial in study.get_trials() if begun(trial, 100)]

        def halt_one() -> bool:
            return any(halt_if(process, functools.partial(is_at_work, process)) for process in commands)

        wait_until(halt_one)
        (victim,) = (process for process in commands if is_halted(process))
        victim.kill()
        for process in commands:
            _, errors = process.communicate(timeout=DEADLINE)
            assert process.returncode == (-signal.SIGKILL if process is victim else 0), errors
        parent = check(study, 8)
        failures = [run.data.tags.get("failure") for run in tracking.children(parent.info.run_id, "trial")]
        assert failures.count("Its process was gone.") == 1


def test_a_study_stays_with_its_data(launch: Launch, call: Launch, journal: str) -> None:
    """Also where the words alone are others: trials on different vocabularies don't compare."""
    first = prepare_step.run(PrepareSettings(sample=120, vocabulary_size=300, max_length=30))
    command = (*CNTK, "--epochs=1", "--trials=1", "--study=s", f"--storage={journal}", "--register=false")
    named = [option.removeprefix("--").replace("-", "_", option.partition("=")[0].count("-") - 2) for option in command]
    begun = launch("mlflow", *project(*named), "-e", "tune")
    assert begun.returncode == 0, begun.stderr
    other = prepare_step.run(PrepareSettings(sample=120, vocabulary_size=200, max_length=30))
    refused = call("entry_points.tune", *command)
    assert refused.returncode == 2
    assert f"The study is of other data. Received: study=s, prepared={other.run_id}" in refused.stderr
    assert f"Say prepared={first.run_id}" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert not mlflow.search_runs(search_all_experiments=True, filter_string="attributes.status = 'RUNNING'", output_format="list")
    assert call("entry_points.tune", *command, f"--prepared={first.run_id}").returncode == 0


def test_what_can_be_wrong_is_told_in_one_line(call: Launch, tmp_path: Path) -> None:
    nothing = call("entry_points.tune")
    assert nothing.returncode == 2
    assert nothing.stderr.startswith("There is no prepared data yet.")
    prepare()
    for arguments, told in (
        (["--storage=sqlite:///s.db"], "SQLite does not hold several workers."),
        ([f"--storage={tmp_path}/none/o.journal"], "There is no folder for the study."),
        (["--storage=postgresql://me:secret@127.0.0.1:1/s"], "The study's storage does not answer."),
        (["--lstm-size=32..8"], "The range of lstm_size is empty."),
    ):
        found = call("entry_points.tune", *arguments)
        assert found.returncode == 2
        assert found.stderr.startswith(told)
        assert len(found.stderr.splitlines()) == 1
        assert "secret" not in found.stderr
