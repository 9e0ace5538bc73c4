"""The search, with Optuna: where a study is kept, what is tried, and which process does which trial. Nothing of MLflow.

Any number of threads, processes and machines may work on one study. Optuna's storage numbers the trials, so that each is
done by one of them; the trial of a process that died is ended by another one: in a database by the heartbeat that stops, in a
file by the lock that is gone. What only one of them may do at a time is behind `only_one`.
"""

import os
import re
import socket
import time
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
from optuna.pruners import MedianPruner, NopPruner
from optuna.samplers import TPESampler
from optuna.storages import BaseStorage, RDBStorage
from optuna.study import StudyDirection
from optuna.trial import BaseTrial, FrozenTrial, Trial, TrialState
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from sentiment.errors import Stopped, UserError
from sentiment.settings import SIZES, Choices, Range, TuneSettings
from sentiment.tuning.journal import Journal

HEARTBEAT, GRACE = 5, 30  # seconds between two heartbeats; and without one, until a trial counts as stale
POLL = 0.5  # seconds between two queries of what the others do
ATTEMPTS = 5  # at a database whose tables several processes create at once
STARTUP_TRIALS = 6  # random ones, before TPE and pruning have something to go by
CATEGORIES = ("backend", "architecture")
OF_ALL = ("dropout", "learning_rate", "batch_size")  # what is searched whatever the architecture, beside its sizes
SPREAD_EVENLY = ("dropout",)  # the others on a logarithmic scale
FAILURE, PROCESS = "failure", "process"  # attributes of a trial

warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
optuna.logging.set_verbosity(optuna.logging.ERROR)


def shown(storage: str) -> str:
    """A storage's address without its password."""
    try:
        return make_url(storage).render_as_string(hide_password=True) if "://" in storage else storage
    except (ArgumentError, ValueError):
        return re.sub("//.*@", "//***@", storage)


def open_storage(address: str) -> BaseStorage:
    """Raises UserError if it can't be opened."""
    if "://" not in address:
        path = Path(address).expanduser()
        if not path.parent.is_dir():
            raise UserError(f"There is no folder for the study. Received: storage={address}. Make it, or give another file.")
        return Journal(path)
    if address.startswith("sqlite"):
        raise UserError(f"SQLite does not hold several workers. Received: storage={address}. Give a file's name, or postgresql://….")
    if not _is_of_postgresql(address):
        raise UserError(
            f"Studies are kept in a file or in PostgreSQL. Received: storage={shown(address)}. "
            "Give a file's name, or postgresql://user@host/database."
        )
    for attempt in range(ATTEMPTS):
        try:
            return RDBStorage(address, engine_kwargs={"pool_pre_ping": True}, heartbeat_interval=HEARTBEAT, grace_period=GRACE)
        except (SQLAlchemyError, ImportError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            time.sleep(attempt * POLL)
    raise UserError(f"The study's storage does not answer. Received: storage={shown(address)}: {reason}. Start it, or correct it.")


def _is_of_postgresql(address: str) -> bool:
    try:
        return make_url(address).get_backend_name() == "postgresql"
    except (ArgumentError, ValueError):
        return False


def open_study(storage: BaseStorage, name: str, metric: str) -> tuple[optuna.Study, bool]:
    """The study of that name, and whether it is new."""
    direction = StudyDirection.MINIMIZE if metric.endswith("loss") else StudyDirection.MAXIMIZE
    try:
        return optuna.create_study(storage=storage, study_name=name, direction=direction), True
    except optuna.exceptions.DuplicatedStudyError:
        return optuna.load_study(storage=storage, study_name=name), False


def view(study: optuna.Study, seed: int | None, prune: bool = True) -> optuna.Study:
    """The same study for one worker: TPE, multivariate as is Optuna's default, and a trial ends that is worse than the median.

    seed: None for a worker that joins others, which must not try the same as they.
    """
    sampler = TPESampler(n_startup_trials=STARTUP_TRIALS, seed=seed, group=True)  # groups: sizes that only some architectures have
    pruner = MedianPruner(n_startup_trials=STARTUP_TRIALS, n_warmup_steps=1) if prune else NopPruner()
    return optuna.load_study(storage=study._storage, study_name=study.study_name, sampler=sampler, pruner=pruner)


def suggest(trial: BaseTrial, settings: TuneSettings) -> dict[str, Any]:
    """The values of backend, architecture, the sizes that this architecture has, and what all have; fixed ones included."""
    values: dict[str, Any] = {name: _choice(trial, name, getattr(settings, name)) for name in CATEGORIES}
    for name in (*SIZES[values["architecture"]], *OF_ALL):
        values[name] = _value(trial, name, getattr(settings, name))
    return values


def _choice(trial: BaseTrial, name: str, choices: Choices) -> str:
    return str(trial.suggest_categorical(name, choices)) if len(choices) > 1 else choices[0]


def _value(trial: BaseTrial, name: str, within: Range) -> float:
    if within.low == within.high:
        return within.low
    log = name not in SPREAD_EVENLY and within.low > 0
    if isinstance(within.low, int):
        return trial.suggest_int(name, within.low, int(within.high), log=log)
    return trial.suggest_float(name, within.low, within.high, log=log)


def counted(study: optuna.Study) -> list[FrozenTrial]:
    """The trials that count: all but those that were ended from outside."""
    return [t for t in study.get_trials(deepcopy=False) if t.state not in (TrialState.FAIL, TrialState.WAITING) or FAILURE in t.user_attrs]


def work(
    study: optuna.Study,
    trials_asked: int,
    do: Callable[[Trial], float],
    stopping: Callable[[], bool],
    on_trial_end: Callable[[optuna.Study, FrozenTrial], None] = lambda study, trial: None,
    ends: tuple[type[Exception], ...] = (),
) -> None:
    """Does trials until the study has as many as are asked for, all of them ended, or `stopping` says so.

    Others may do the same: a trial whose number shows that there are enough is given back.

    do: returns a trial's value, or raises TrialPruned, Stopped (it says nothing about its setting, and another takes its
        place), one of `ends` (likewise, and it is raised), or whatever failed: that ends the trial alone, which counts.
    on_trial_end: is called with each trial that this worker ended.
    """
    ended: list[Exception] = []

    def do_if_missing(trial: Trial) -> float:
        trial.set_user_attr(PROCESS, _this_process(study._storage))
        if stopping() or sum(other.number < trial.number for other in counted(study)) >= trials_asked:
            raise Stopped
        try:
            return do(trial)
        except (optuna.TrialPruned, Stopped):
            raise
        except Exception as error:
            if isinstance(error, ends):
                ended.append(error)
            else:
                trial.set_user_attr(FAILURE, str(error)[:500] or type(error).__name__)
            raise

    while not stopping():
        fail_stale_trials(study)
        trials = counted(study)
        if len(trials) < trials_asked:
            study.optimize(do_if_missing, n_trials=1, catch=Exception, callbacks=[on_trial_end])
            if ended:
                raise ended[0]
        elif any(trial.state == TrialState.RUNNING for trial in trials):
            time.sleep(POLL)
        else:
            return


@contextmanager
def only_one(storage: BaseStorage, name: str) -> Iterator[None]:
    """Waits until no other worker of the storage is inside; `name` is that of the work.

    The lock of a process that dies is free: a file's by the kernel, PostgreSQL's when a session does not answer for GRACE. When the work
    is done, the next one is let in all the same: the caller has to look whether it is.
    """
    if isinstance(storage, Journal):
        with storage.lock(name):
            yield
        return
    assert isinstance(storage, RDBStorage)
    with storage.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:  # no transaction that lasts for hours
        for setting, value in (("idle", HEARTBEAT), ("interval", HEARTBEAT), ("count", GRACE // HEARTBEAT - 1)):
            connection.execute(text(f"SET tcp_keepalives_{setting} = {value}"))
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": zlib.crc32(name.encode())})
        try:
            yield
        finally:
            connection.invalidate()  # closed, not given back to the pool with the lock


def fail_stale_trials(study: optuna.Study) -> None:
    """Ends as failed the trials whose process is gone."""
    if isinstance(study._storage, Journal):
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if _is_gone(trial, study._storage):
                with suppress(optuna.exceptions.UpdateFinishedTrialError):  # another process did it
                    study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
    else:
        optuna.storages.fail_stale_trials(study)


def _is_gone(trial: FrozenTrial, journal: Journal) -> bool:
    """Whether the process of a trial is dead; a trial that names none after GRACE has none."""
    if PROCESS not in trial.user_attrs:
        return trial.datetime_start is not None and (datetime.now() - trial.datetime_start).total_seconds() > GRACE
    *_, mark = trial.user_attrs[PROCESS]
    return not journal.is_alive(mark)


def _this_process(storage: BaseStorage) -> tuple[str, int, str]:
    return socket.gethostname(), os.getpid(), storage.mark if isinstance(storage, Journal) else ""
