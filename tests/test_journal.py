"""A study's file: torn by a power cut, damaged, something else; and who still works on it."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from sentiment.errors import UserError
from sentiment.paths import PROJECT
from sentiment.tuning import search
from sentiment.tuning.journal import BEGIN
from tests.processes import DEADLINE

# A worker of a machine or container of that name, which says so and works until it is ended.
WORKER = """
import socket, sys, time
socket.gethostname = lambda: "another"
from sentiment.tuning import search
study, _ = search.open_study(search.open_storage(sys.argv[1]), "s", "val_auc")
def do(trial):
    print("begun", flush=True)
    time.sleep(600)
search.work(search.view(study, 1), 1, do, lambda: False)
"""


def open_study(path: Path | str) -> optuna.Study:
    return search.open_study(search.open_storage(str(path)), "s", "val_auc")[0]


def as_optuna_reads(path: Path) -> list[FrozenTrial]:
    return optuna.load_study(study_name="s", storage=JournalStorage(JournalFileBackend(str(path)))).get_trials()


@pytest.fixture
def whole(tmp_path: Path) -> bytes:
    """A journal of three trials."""
    path = tmp_path / "whole.journal"
    search.work(open_study(path), 3, lambda trial: trial.suggest_float("é", 0, 1), lambda: False)
    return path.read_bytes()


def test_a_study_goes_on_wherever_its_last_lines_were_torn(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "torn.journal"
    last_two = len(b"".join(whole.splitlines(keepends=True)[:-2]))
    for size in range(last_two, len(whole)):
        path.write_bytes(whole[:size])
        before = as_optuna_reads(path)
        search.work(open_study(path), 3, lambda trial: 0.5, lambda: False)
        trials = as_optuna_reads(path)
        assert [trial for trial in trials if trial.number < 2] == before[:2], size
        assert len([trial for trial in trials if trial.state == TrialState.COMPLETE]) == 3, size
        assert whole[:size].rpartition(b"\n")[0] in path.read_bytes(), size


def test_what_was_written_behind_a_torn_line_is_taken_out_with_it(whole: bytes, tmp_path: Path) -> None:
    """As by other programs, which look for no torn line."""
    path = tmp_path / "torn.journal"
    path.write_bytes(whole[:-9] + whole.splitlines(keepends=True)[0])
    study = open_study(path)
    assert len(study.trials) == 3
    search.work(study, 3, lambda trial: 0.5, lambda: False)
    assert path.read_bytes().startswith(whole[: whole[:-1].rfind(b"\n") + 1] + BEGIN)
    assert len([trial for trial in as_optuna_reads(path) if trial.state == TrialState.COMPLETE]) == 3


def test_zeros_at_the_end_are_a_torn_line_too(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "zeros.journal"
    path.write_bytes(whole + bytes(100))
    search.work(open_study(path), 4, lambda trial: 0.5, lambda: False)
    assert len(as_optuna_reads(path)) == 4


def test_a_whole_line_that_lacks_only_its_end_counts(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "end.journal"
    path.write_bytes(whole[:-1])
    open_study(path).set_user_attr("any", 1)
    assert path.read_bytes().startswith(whole)


def test_several_go_on_with_a_torn_study_at_once(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "torn.journal"
    path.write_bytes(whole[:-9])
    studies = [open_study(path) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda study: search.work(study, 20, lambda trial: 0.5, lambda: False), studies))
    trials = as_optuna_reads(path)
    assert len([trial for trial in trials if trial.state == TrialState.COMPLETE]) == 20
    assert not [trial for trial in trials if not trial.state.is_finished()]


@pytest.mark.parametrize(
    "content",
    [
        b"text|label\ngood|1\n",
        b"no line end",
        b'[\n {"op_code": 1}\n]',
        b'{"op_code":99}\n',
        b'{"op_code":0,"x":{"op_code":4}\n{"op_code":4}\n',
        b"\xff\n",
    ],
)
def test_what_is_no_journal_is_left_alone(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(UserError, match="does not hold studies") as error:
        search.open_storage(str(path))
    assert "\n" not in str(error.value)
    assert path.read_bytes() == content


def test_a_folder_is_no_journal(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not hold studies"):
        search.open_storage(str(tmp_path))


def test_a_worker_of_another_host_is_waited_for_while_it_lives(journal: str) -> None:
    victim = subprocess.Popen([sys.executable, "-c", WORKER, journal], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    assert victim.stdout
    with victim.stdout:
        try:
            assert victim.stdout.readline() == "begun\n"
            study = open_study(journal)
            search.fail_stale_trials(study)
            assert [trial.state for trial in study.trials] == [TrialState.RUNNING]
            assert study.trials[0].user_attrs[search.PROCESS][0] == "another"
        finally:
            victim.kill()
            victim.wait()
    search.work(study, 1, lambda trial: 0.5, lambda: False)
    assert [trial.state for trial in study.trials] == [TrialState.FAIL, TrialState.COMPLETE]


def test_a_process_of_an_earlier_version_is_not_waited_for(journal: str) -> None:
    study = open_study(journal)
    study.ask().set_user_attr(search.PROCESS, ("another", 4711, "237530"))
    search.fail_stale_trials(study)
    assert [trial.state for trial in study.trials] == [TrialState.FAIL]


def test_nothing_is_left_beside_the_journal(journal: str) -> None:
    script = WORKER.replace('print("begun", flush=True)', "return 0.5")
    subprocess.run([sys.executable, "-c", script, journal], cwd=PROJECT, check=True, timeout=DEADLINE)
    assert list(Path(journal).parent.glob("optuna.journal*")) == [Path(journal)]
