"""The search for good settings: trials on this machine and on others, then one last training with the best of them."""

import contextlib
import logging
import os
import secrets
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from contextlib import contextmanager
from dataclasses import replace

import optuna
from mlflow import MlflowClient
from optuna.storages import BaseStorage
from optuna.trial import FixedTrial, FrozenTrial, TrialState

from sentiment import tracking
from sentiment.backends.interpreters import ALL
from sentiment.errors import StepError, Stopped, UserError
from sentiment.preparation import prepared
from sentiment.progress import Bar, left
from sentiment.registry import lineage
from sentiment.report import report, search_page
from sentiment.reviews.batch import TEST
from sentiment.settings import RegisterSettings, TuneSettings, as_text
from sentiment.steps import evaluate, register, reporting, train, trial
from sentiment.steps.prepare import PreparedRun
from sentiment.tracking import GONE, ServerAwayError, StepRun, commands, descriptions
from sentiment.training.trainer_process import Trainer, available_cores
from sentiment.tuning import search

PARENT, AGREED = "parent_run_id", "settings"  # attributes of a study
OWN = ("trials", "timeout", "workers", "study", "storage", "register")  # what each command that joins may say for itself
JOINING = 60  # seconds until the process that made a study has to have made its run
PAGE = "search.html"
log = logging.getLogger(__name__)


def run(settings: TuneSettings) -> None:
    """Begins a study, or goes on with one, until it has its trials; then one of those who worked on it makes the final model.

    Raises:
        UserError: A parameter or the data are not as they should be.
        StepError: No trial was completed, or the search was stopped before its end.
    """
    for backend in settings.backend:
        ALL[backend].interpreter()
    asked = settings
    if settings.study == "auto":
        settings = replace(settings, study=f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}")
    path, prepared_run_id = train.find_prepared(settings.prepared)
    data = prepared.read(path)
    if prepared_run_id is None:
        raise UserError(f"The final model needs a prepare run's data. Received: prepared={settings.prepared}. Give a run's id, or latest.")
    if settings.register and not len(data.rows(TEST)):
        raise UserError("The gate needs a test split. Received: register=true. Prepare with test_fraction over 0, or say register=false.")
    tags = {"data_fingerprint": data.data_fingerprint, "prepared_run_id": prepared_run_id}
    storage = search.open_storage(settings.storage)
    study, new = search.open_study(storage, settings.study, settings.metric)
    stop, end = threading.Event(), time.monotonic() + (settings.timeout or float("inf"))
    parent = ""
    go_on = f"Go on with the same command and -P study={settings.study}."
    try:
        with _parent_run(study, new, settings, asked, tags) as active:
            parent = active.info.run_id
            reviews = lineage.reviews_of(prepared_run_id)
            active.log_datasets(tracking.split_datasets(data, reviews, "train", "validation"))
            job = trial.Job(settings, settings.study, parent, data, tags, lambda: stop.is_set() or time.monotonic() > end)
            trial.settle(study, parent)
            _search(study, job, active, settings.seed if new else None, stop)
            trial.settle(study, parent)
            _finish(storage, study, job, active, PreparedRun(prepared_run_id, path))
    except ServerAwayError as error:
        raise StepError(f"{error} What was done of the study is kept. {go_on}") from error
    except Stopped as error:
        if any(other.state == TrialState.RUNNING for other in study.get_trials(deepcopy=False)):
            MlflowClient().update_run(parent, status="RUNNING")  # others are at work on it
        raise StepError(f"Stopped: {error} {go_on}") from error
    log.info("tune: done (run %s)", parent)
    commands.say_next(
        commands.look(commands.run_page(active.info)),
        (commands.entry_point("tune", study=settings.study, trials=str(settings.trials * 2)), "more trials of the same study"),
        *([("make serve", "the champion, over HTTP")] if settings.register else []),
    )


@contextmanager
def _parent_run(study: optuna.Study, new: bool, settings: TuneSettings, asked: TuneSettings, tags: dict[str, str]) -> Iterator[StepRun]:
    """The study's one run: begun by whoever made the study, taken up by the others. asked: the settings as they were given."""
    agreed = {name: as_text(value) for name, value in vars(settings).items() if name not in (*OWN, "prepared")} | tags
    known = None if new else _wait_for_parent(study)
    launched = os.environ.pop("MLFLOW_RUN_ID", None) if known else None
    if known:
        theirs = study.user_attrs[AGREED]
        if theirs != agreed:
            if theirs.keys() != agreed.keys():
                raise UserError(
                    f"The study was begun by another version of this project, with other settings. Received: study={study.study_name}. "
                    "Name another study."
                )
            name = next(name for name in agreed if theirs[name] != agreed[name])
            raise UserError(
                f"The study is of something else. Received: study={study.study_name}, {name}={agreed[name]}, where it has "
                f"{theirs[name]}. Say the same as its first command, or name another study."
            )
        if launched:
            MlflowClient().set_tag(launched, "joined_run_id", known)
    logged = replace(settings, storage=search.shown(settings.storage))
    with tracking.step_run("tune", logged, resumed=known, asked=asked, study=study.study_name, **tags) as active:
        if not known:
            study.set_user_attr(AGREED, agreed)
            study.set_user_attr(PARENT, active.info.run_id)
        log.info("tune: study %s, run %s", study.study_name, active.info.run_id)
        yield active


def _wait_for_parent(study: optuna.Study) -> str | None:
    """The run that the study's maker begins; none if that died before it could."""
    for _ in range(int(JOINING / search.POLL)):
        if PARENT in study.user_attrs:
            return str(study.user_attrs[PARENT])
        time.sleep(search.POLL)
    return None


def _search(study: optuna.Study, job: trial.Job, active: StepRun, seed: int | None, stop: threading.Event) -> None:
    """Does trials in as many threads as there are workers, each with its trainer and its share of the cores."""
    told = _Told(study, job, active)
    with contextlib.closing(told), ThreadPoolExecutor(job.settings.workers) as pool:
        workers = []
        for place, cores in enumerate(_shares(available_cores(), job.settings.workers)):
            view = search.view(study, None if seed is None else seed + place)
            workers.append(pool.submit(_work, view, job, cores, told))
        try:
            for worker in as_completed(workers):
                worker.result()
        except BaseException as error:
            stop.set()
            if not isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            print("Stopping after the present epoch.", flush=True)
            wait(workers)
            active.log_text(search_page.page(study, job.settings.metric), PAGE)
            raise Stopped(f"{len(search.counted(study))} of {job.settings.trials} trials are done.") from None


def _shares(cores: list[int], workers: int) -> list[list[int]]:
    """The cores by worker; where there are more workers than cores, several have the same one."""
    if workers >= len(cores):
        return [[cores[place % len(cores)]] for place in range(workers)]
    return [cores[place::workers] for place in range(workers)]


def _work(study: optuna.Study, job: trial.Job, cores: list[int], told: "_Told") -> None:
    """One worker: a trainer of each backend for trial after trial; a new one after a failure."""
    trainers: dict[str, Trainer] = {}

    def trainer_for(backend: str) -> Trainer:
        if backend not in trainers:
            trainers[backend] = Trainer(ALL[backend], cores)
        return trainers[backend]

    def close() -> None:
        while trainers:
            trainers.popitem()[1].close()

    def do(suggested: optuna.Trial) -> float:
        try:
            return trial.run(suggested, job, trainer_for)
        except (optuna.TrialPruned, Stopped):
            raise
        except BaseException:
            close()
            raise

    try:
        search.work(study, job.settings.trials, do, job.stopping, told.hear, ends=(ServerAwayError,))
    finally:
        close()


class _Told:
    """What is said of the trials as they end: on the terminal, and in the parent's metrics."""

    def __init__(self, study: optuna.Study, job: trial.Job, active: StepRun) -> None:
        self._job, self._active = job, active
        self._lock = threading.Lock()
        self._begun, self._before = time.monotonic(), self._ended(study)
        self._bar = Bar("tune", job.settings.trials, "trials")

    def _ended(self, study: optuna.Study) -> int:
        return sum(found.state.is_finished() for found in search.counted(study))

    def hear(self, study: optuna.Study, ended: FrozenTrial) -> None:
        metric, wanted = self._job.settings.metric, self._job.settings.trials
        if ended.state == TrialState.FAIL and search.FAILURE not in ended.user_attrs:
            return  # stopped, or one too many
        with self._lock:
            count = self._ended(study)
            parts = [f"trial {ended.number}: {self._outcome(ended)}"]
            if study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
                best = study.best_trial
                self._active.log_metrics({f"best_{metric}": best.values[0]}, step=count)
                parts.append(f"best {best.values[0]:.4f} in trial {best.number}")
            time_left = left(time.monotonic() - self._begun, count - self._before, wanted - self._before)
            parts.append(f"{count} of {wanted} done{time_left}")
            self._bar.say("; ".join(parts))
            self._bar.set(count, wanted)

    def _outcome(self, ended: FrozenTrial) -> str:
        if ended.state == TrialState.FAIL:
            return f"failed: {ended.user_attrs[search.FAILURE].splitlines()[0]}"
        values = " ".join(f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}" for name, value in ended.params.items())
        if ended.state == TrialState.PRUNED:
            return f"pruned after epoch {ended.last_step} ({values})"
        return f"{self._job.settings.metric} {ended.values[0]:.4f} ({values})"

    def close(self) -> None:
        self._bar.close()


def _finish(storage: BaseStorage, study: optuna.Study, job: trial.Job, active: StepRun, data: PreparedRun) -> None:
    """Pictures and the final model, by one of those who worked on the study; the others wait for that, and do it if it dies."""
    count = len(search.counted(study))
    final, _ = search.open_study(storage, f"{study.study_name}: final of {count}", job.settings.metric)

    def do(claim: optuna.Trial) -> float:
        for step in ("train", "evaluate", "register"):  # of one who died over it
            for child in tracking.children(job.parent, step):
                if child.info.status == "RUNNING":
                    tracking.fail_run(child.info.run_id, GONE)
        trial.add_missing(study, job)
        active.log_text(search_page.page(study, job.settings.metric), PAGE)
        completed = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if not completed:
            raise StepError(f"No trial was completed, of {count}. The reasons are in the runs under run {job.parent}.")
        best = study.best_trial
        tested = _retrain(study, job, active, data)
        told = _ended(study)
        numbers = {f"best_{name}": value for name, value in best.params.items() if not isinstance(value, str)}
        active.log_metrics(numbers | {f"trials_{state}": float(number) for state, number in told.items()})
        trials = ", ".join(f"{number} {state}" for state, number in told.items())
        values = {name: as_text(value) for name, value in best.params.items()}
        note = descriptions.searched(job.settings, job.data, trials, values, float(best.values[0]), tested)
        active.set_tags({descriptions.NOTE: note})
        return float(best.values[0])

    search.work(final, 1, do, lambda: False, fails_alone=False)


def _ended(study: optuna.Study) -> dict[str, int]:
    """How many trials ended how."""
    states = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
    return {name: sum(trial.state == state for trial in search.counted(study)) for name, state in states.items()}


def _retrain(study: optuna.Study, job: trial.Job, active: StepRun, data: PreparedRun) -> dict[str, float]:
    """Trains the best setting once more, with n-grams beside the network, and measures that model once on the test split; returns
    `test_...`, nothing if there is no such split.
    """
    best = study.best_trial
    values = search.suggest(FixedTrial(best.params), job.settings)
    settings = trial.network_settings(job.settings, values, epochs=best.user_attrs[trial.BEST_EPOCH], prepared=data.run_id)
    told = ", ".join(f"{name}={as_text(value)}" for name, value in (values | {"epochs": settings.epochs}).items())
    log.info("tune: trial %d was best, %s %.4f; final training with %s", best.number, job.settings.metric, best.values[0], told)
    trained = train.run(settings, job.parent, active.log_metrics, study=job.study, best_trial_run_id=best.user_attrs[trial.RUN_ID])
    active.set_tags({"best_trial": str(best.number), "final_run_id": trained.run_id})
    active.log_output_of(trained.run_id)
    active.log_metrics(trained.summary)
    tested = {}
    if len(job.data.rows(TEST)):
        active.log_datasets(tracking.split_datasets(job.data, lineage.reviews_of(data.run_id), "test"))
        evaluated = evaluate.run(data, trained, job.parent)
        tested = evaluated.metrics
        active.log_metrics(tested)
    if job.settings.register:
        register.run(RegisterSettings(run=trained.run_id), job.parent)
    if len(job.data.rows(TEST)):
        page = reporting.page("tune", job.parent, settings, job.data, data, trained, evaluated, study, job.settings.metric)
        active.log_text(page, report.FILE)
        log.info("tune: the report is %s", tracking.place(active.info, report.FILE))
    return tested
