"""The search for good settings: trials on this machine and on others, then one last training with the best of them."""

import contextlib
import logging
import os
import secrets
import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import optuna
from mlflow import MlflowClient
from optuna.storages import BaseStorage
from optuna.trial import FixedTrial, TrialState

from sentiment import tracking
from sentiment.backends.interpreters import ALL
from sentiment.errors import StepError, Stopped, UserError
from sentiment.preparation import prepared
from sentiment.preparation.prepared import Prepared
from sentiment.report import report, search_page
from sentiment.reviews.batch import TEST
from sentiment.settings import VECTORS, RegisterSettings, TuneSettings, as_text
from sentiment.steps import evaluate, prepared_runs, pretrain, register, reporting, train, trial
from sentiment.steps.prepared_runs import PreparedRun
from sentiment.steps.search_progress import SearchProgress
from sentiment.tracking import ServerAwayError, StepRun, UnsentError, commands, descriptions
from sentiment.training import defaults
from sentiment.training.trainer_environment import available_cores
from sentiment.training.trainer_process import Trainer
from sentiment.training.word_vectors import WordVectors
from sentiment.tuning import search

PARENT, AGREED, FINAL = "parent_run_id", "settings", "final_of"  # attributes of a study; the last: how many trials its final model is of
OWN = ("trials", "timeout", "workers", "study", "storage", "register")  # parameters in which the commands of a study may differ
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
    source = prepared_runs.find(settings.prepared)
    data = prepared.read(source.path)
    _check_data(settings, source, data)
    settings = defaults.resolve(settings, data)
    tags = {"data_fingerprint": data.data_fingerprint, "prepared_run_id": source.run_id}
    storage = search.open_storage(settings.storage)
    study, new = search.open_study(storage, settings.study, settings.metric)
    stop, end = threading.Event(), time.monotonic() + (settings.timeout or float("inf"))
    parent = ""
    more = replace(asked, study=settings.study, trials=settings.trials * 2, storage=search.shown(settings.storage))
    again = commands.entry_point("tune", **commands.changed(more))
    go_on = f"Go on with the same command and -P study={settings.study}."
    try:
        with _parent_run(storage, study, settings, asked, tags) as active:
            parent = active.info.run_id
            active.log_datasets(tracking.split_datasets(data, source.reviews, "train", "validation"))
            tracking.fail_children(parent, "pretrain", known_to_be_gone=True)
            vectors, learned = _learn_vectors(settings, data, parent, tags) if settings.pretrain == VECTORS else (None, {})
            job = trial.Job(
                settings=settings,
                study=settings.study,
                parent=parent,
                data=data,
                tags=tags | learned,
                stopping=lambda: stop.is_set() or time.monotonic() > end,
                vectors=vectors,
                again=again,
            )
            trial.reconcile(study, parent)
            _search(study, job, active, settings.seed if new else None, stop)
            trial.reconcile(study, parent)
            _finish(storage, study, job, active, source)
    except (ServerAwayError, UnsentError) as error:
        raise StepError(f"{error} What was done of the study is kept. {go_on}") from error
    except Stopped as error:
        if any(other.state == TrialState.RUNNING for other in study.get_trials(deepcopy=False)):
            MlflowClient().update_run(parent, status="RUNNING")  # others are at work on it
        raise StepError(f"Stopped: {error} {go_on}") from error
    log.info("tune: done (run %s)", parent)
    commands.log_next_steps(
        commands.open_page(commands.run_page(active.info)),
        (again, "more trials of the same study"),
        *([("make serve", "the champion, over HTTP")] if settings.register else []),
    )


def _check_data(settings: TuneSettings, source: PreparedRun, data: Prepared) -> None:
    if not source.run_id:
        raise UserError(f"The final model needs a prepare run's data. Received: prepared={settings.prepared}. Give a run's id, or latest.")
    if settings.register and not len(data.rows(TEST)):
        raise UserError("The gate needs a test split. Received: register=true. Prepare with test_fraction over 0, or say register=false.")


def _learn_vectors(settings: TuneSettings, data: Prepared, parent: str, tags: dict[str, str]) -> tuple[WordVectors, dict[str, str]]:
    """As wide as the widest embedding that the search may suggest, and the tag of the runs that start with them."""
    widest = trial.network_settings(settings, {}, embedding_size=int(settings.embedding_size.high))
    vectors, run_id = pretrain.run(widest, data, parent, None, **tags)
    assert isinstance(vectors, WordVectors)
    return vectors, {"pretrain_run_id": run_id}


@contextmanager
def _parent_run(
    storage: BaseStorage, study: optuna.Study, settings: TuneSettings, asked: TuneSettings, tags: dict[str, str]
) -> Iterator[StepRun]:
    """The one run of a study: begun by the first command that gets here, resumed by the others.

    asked: the settings as the user gave them.

    Raises:
        UserError: The study is of other settings or data.
    """
    agreed = {name: as_text(value) for name, value in vars(settings).items() if name not in (*OWN, "prepared")} | tags
    logged = replace(settings, storage=search.shown(settings.storage))
    with ExitStack() as until_the_end:
        with search.only_one(storage, f"run of {study.study_name}"):
            known = study.user_attrs.get(PARENT)
            if known:
                _check_agreed(study, agreed, tags)
                note = f"More trials of the study {study.study_name}: they are logged in its run, {known}."
                tracking.describe_launched_run("tune", f"tune, joined {study.study_name}", note)
                if launched := os.environ.pop("MLFLOW_RUN_ID", None):
                    MlflowClient().set_tag(launched, "joined_run_id", known)
            step_run = tracking.step_run("tune", logged, resumed=known, asked=asked, study=study.study_name, **tags)
            active = until_the_end.enter_context(step_run)
            if not known:
                study.set_user_attr(AGREED, agreed)
                study.set_user_attr(PARENT, active.info.run_id)
        log.info("tune: study %s, run %s", study.study_name, active.info.run_id)
        yield active


def _check_agreed(study: optuna.Study, agreed: dict[str, str], tags: dict[str, str]) -> None:
    """Raises UserError if the study's first command agreed on other settings or data."""
    theirs = study.user_attrs[AGREED]
    if theirs == agreed:
        return
    if theirs.keys() != agreed.keys():
        raise UserError(
            f"The study was begun by another version of this project, with other settings. Received: study={study.study_name}. "
            "Name another study."
        )
    if any(theirs[name] != value for name, value in tags.items()):
        raise UserError(
            f"The study is of other data. Received: study={study.study_name}, prepared={tags['prepared_run_id']}, where it has "
            f"those of another prepare run. Say prepared={theirs['prepared_run_id']}, or name another study."
        )
    name = next(name for name in agreed if theirs[name] != agreed[name])
    raise UserError(
        f"The study is of something else. Received: study={study.study_name}, {name}={agreed[name]}, where it has "
        f"{theirs[name]}. Say the same as its first command, or name another study."
    )


def _search(study: optuna.Study, job: trial.Job, active: StepRun, seed: int | None, stop: threading.Event) -> None:
    """Does trials in as many threads as there are workers, each with its trainer and its share of the cores."""
    if sum(_count_by_state(study).values()) >= job.settings.trials:
        return
    progress = SearchProgress(study, job, active)
    with contextlib.closing(progress), ThreadPoolExecutor(job.settings.workers) as pool:
        workers = []
        for number, cores in enumerate(_shares(available_cores(), job.settings.workers)):
            view = search.view(study, None if seed is None else seed + number)
            workers.append(pool.submit(_work, view, job, cores, progress))
        try:
            waiting = set(workers)
            while waiting:  # for a while each time: a signal that another thread gets does not wake this one
                done, waiting = wait(waiting, timeout=1, return_when=FIRST_COMPLETED)
                for worker in done:
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
        return [[cores[number % len(cores)]] for number in range(workers)]
    return [cores[number::workers] for number in range(workers)]


def _work(study: optuna.Study, job: trial.Job, cores: list[int], progress: SearchProgress) -> None:
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
            return trial.run(suggested, job, trainer_for, progress.on_part)
        except (optuna.TrialPruned, Stopped):
            raise
        except BaseException:
            close()
            raise

    try:
        search.work(study, job.settings.trials, do, job.stopping, progress.on_trial_end, ends=(ServerAwayError,))
    finally:
        close()


def _finish(storage: BaseStorage, study: optuna.Study, job: trial.Job, active: StepRun, data: PreparedRun) -> None:
    """One of those who worked on the study makes the final model; the others wait for that, and one of them does it if the first dies."""
    count = sum(trial.state.is_finished() for trial in search.counted(study))  # what others still do, they make a model of
    with search.only_one(storage, f"final model of {study.study_name}"):
        if study.user_attrs.get(FINAL, 0) < count:
            _make_final_model(study, job, active, data)
            study.set_user_attr(FINAL, count)


def _make_final_model(study: optuna.Study, job: trial.Job, active: StepRun, data: PreparedRun) -> None:
    """Logs the page of the search, trains with the best setting, and logs what came of it.

    Raises:
        StepError: No trial was completed.
    """
    tracking.fail_children(job.parent, "train", "evaluate", "register")  # what a process that died here had begun
    trial.add_missing(study, job)
    active.log_text(search_page.page(study, job.settings.metric), PAGE)
    states = _count_by_state(study)
    if not states["complete"]:
        raise StepError(f"No trial was completed, of {sum(states.values())}. The reasons are in the runs under run {job.parent}.")
    best = study.best_trial
    tested = _retrain(study, job, active, data)
    numbers = {f"best_{name}": value for name, value in best.params.items() if not isinstance(value, str)}
    active.log_metrics(numbers | {f"trials_{state}": float(number) for state, number in states.items()})
    trials = ", ".join(f"{number} {state}" for state, number in states.items())
    values = {name: as_text(value) for name, value in best.params.items()}
    note = descriptions.searched(job.settings, job.data, trials, values, float(best.values[0]), tested, job.again)
    active.set_tags({tracking.NOTE: note})


def _count_by_state(study: optuna.Study) -> dict[str, int]:
    """How many trials were completed, pruned, and failed."""
    states = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
    return {name: sum(trial.state == state for trial in search.counted(study)) for name, state in states.items()}


def _retrain(study: optuna.Study, job: trial.Job, active: StepRun, data: PreparedRun) -> dict[str, float]:
    """Trains the best setting once more, with n-grams beside the network, and measures that model once on the test split.

    Returns:
        The metrics `test_...`; none if there is no such split.
    """
    best = study.best_trial
    values = search.suggest(FixedTrial(best.params), job.settings)
    settings = trial.network_settings(job.settings, values, epochs=best.user_attrs[trial.BEST_EPOCH], prepared=data.run_id)
    setting = ", ".join(f"{name}={as_text(value)}" for name, value in (values | {"epochs": settings.epochs}).items())
    log.info("tune: trial %d was best, %s %.4f; final training with %s", best.number, job.settings.metric, best.values[0], setting)
    tags = {"study": job.study, "best_trial_run_id": best.user_attrs[trial.RUN_ID]} | job.tags
    trained = train.run(settings, job.parent, active.log_metrics, job.start(settings.embedding_size), **tags)
    active.set_tags({"best_trial": str(best.number), "final_run_id": trained.run_id})
    active.log_output_of(trained.run_id)
    active.log_metrics(trained.summary)
    tested = {}
    if len(job.data.rows(TEST)):
        active.log_datasets(tracking.split_datasets(job.data, data.reviews, "test"))
        evaluated = evaluate.run(data, trained, job.parent)
        tested = evaluated.metrics
        active.log_metrics(tested)
    if job.settings.register:
        register.run(RegisterSettings(run=trained.run_id), job.parent)
    if len(job.data.rows(TEST)):
        page = reporting.page("tune", job.parent, settings, job.data, data, trained, evaluated, study, job.settings.metric)
        active.log_text(page, report.FILE)
        log.info("tune: the report is %s", tracking.artifact_location(active.info, report.FILE))
    return tested
