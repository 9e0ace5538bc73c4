"""The search by itself: ranges and lists, who does which trial, trials whose process is gone."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import optuna
import pytest
from optuna.trial import FixedTrial, Trial, TrialState

from sentiment.errors import Stopped, UserError
from sentiment.paths import PROJECT
from sentiment.settings import METRICS, NETWORKS, SIZES, Choices, Range, TuneSettings, from_text, parameters
from sentiment.tuning import search
from tests.conftest import opened


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


def test_each_architecture_has_its_own_sizes(journal: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "STARTUP_TRIALS", 20)  # so that all are random
    study, _ = search.open_study(search.open_storage(journal), "s", "val_loss")
    settings = TuneSettings(architecture=Choices(NETWORKS), backend=Choices(["cntk", "jax"]), batch_size=Range(32, 32))
    search.work(search.view(study, 1), 20, lambda trial: search.suggest(trial, settings)["dropout"], lambda: False)
    assert {trial.params["architecture"] for trial in study.trials} == set(NETWORKS)
    assert {trial.params["backend"] for trial in study.trials} == {"cntk", "jax"}
    for trial in study.trials:
        sizes = SIZES[trial.params["architecture"]]
        assert set(trial.params) == {"architecture", "backend", "dropout", "learning_rate", *sizes}
        assert search.suggest(FixedTrial(trial.params), settings) == trial.params | {"batch_size": 32}


def test_lists() -> None:
    backend, architecture = (next(f for f in parameters(TuneSettings) if f.name == name) for name in ("backend", "architecture"))
    assert from_text(backend, "cntk, tensorflow") == ("cntk", "tensorflow")
    assert str(from_text(architecture, "bilstm,cnn")) == "bilstm,cnn"
    for about, text in ((backend, "cntk,keras"), (architecture, "bilstm,"), (architecture, "ngrams")):
        with pytest.raises(UserError, match=f"Received: {about.name}="):
            from_text(about, text)


WORKER = """
import sys, time
from sentiment.tuning import search
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
    search.fail_stale_trials(study)
    assert [trial.state for trial in study.trials] == [TrialState.RUNNING]
    monkeypatch.setattr(search, "GRACE", 0)
    search.fail_stale_trials(study)
    assert [trial.state for trial in study.trials] == [TrialState.FAIL]


def test_another_machine_s_trial_is_given_up_when_its_heartbeat_stops(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "HEARTBEAT", 1)
    monkeypatch.setattr(search, "GRACE", 3)
    _kill_in_trial(database, "another-machine")


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


INSIDE = """
import sys, time
from sentiment.tuning import search
with search.only_one(search.open_storage(sys.argv[1]), "final"):
    print("inside", flush=True)
    time.sleep(600)
"""


def test_one_at_a_time_and_another_if_that_one_is_killed(journal: str) -> None:
    _kill_inside(journal)


def test_one_at_a_time_in_a_database(database: str) -> None:
    _kill_inside(database)


def _kill_inside(address: str) -> None:
    victim = subprocess.Popen([sys.executable, "-c", INSIDE, address], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    entered, killed = threading.Event(), threading.Event()
    after_the_kill = []

    def enter() -> None:
        with opened(address) as storage:
            for _ in range(2):  # the second time nobody is there
                with search.only_one(storage, "final"):
                    after_the_kill.append(killed.is_set())
                    entered.set()

    waiting = threading.Thread(target=enter, daemon=True)
    assert victim.stdout
    with victim.stdout:
        assert victim.stdout.readline() == "inside\n"
        try:
            with opened(address) as storage, search.only_one(storage, "something else"):
                waiting.start()
                assert not entered.wait(1)
            killed.set()
        finally:
            victim.kill()
            victim.wait()
    waiting.join(60)
    assert after_the_kill == [True, True]


def test_a_lock_leaves_no_file_behind_work_that_was_done(journal: str) -> None:
    storage = search.open_storage(journal)
    with search.only_one(storage, "final"):
        assert len(list(Path(journal).parent.glob("*.lock"))) == 1
    assert not list(Path(journal).parent.glob("*.lock"))


def test_a_process_that_waited_at_a_lock_that_went_waits_at_the_one_that_is_there(journal: str) -> None:
    """The first lets the second in when it takes its file away, and a third one makes another file."""
    storage = search.open_storage(journal)
    inside, most, counting = 0, 0, threading.Lock()

    def enter() -> None:
        nonlocal inside, most
        for _ in range(40):
            with search.only_one(storage, "final"):
                with counting:
                    inside += 1
                    most = max(most, inside)
                time.sleep(0.0005)
                with counting:
                    inside -= 1

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


@pytest.mark.parametrize("address", ["://x", "postgresql://u:secret@host:port/studies", "oracle://u:secret@host/studies"])
def test_what_is_no_address_of_a_study(address: str) -> None:
    with pytest.raises(UserError, match="a file or in PostgreSQL") as error:
        search.open_storage(address)
    assert "secret" not in str(error.value)
