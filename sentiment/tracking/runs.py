"""Runs: one for each step, and those that there are."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, TypeVar

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Run, RunInfo
from mlflow.exceptions import MlflowException
from mlflow.tracking.fluent import _active_run_stack  # its own way to leave a run asks the server
from mlflow.utils.mlflow_tags import MLFLOW_PROJECT_ENTRY_POINT

from sentiment.errors import Stopped, UserError
from sentiment.settings import as_text, from_text, parameters
from sentiment.tracking import resend, server, system_metrics, titles
from sentiment.tracking.ending import REASON_LENGTH, fail_run
from sentiment.tracking.launched import is_free, step_of
from sentiment.tracking.names import NAME, PROCESS, PROJECT
from sentiment.tracking.outbox import UNSENT, Outbox, UnsentError
from sentiment.tracking.processes import GONE, is_gone, this_process
from sentiment.tracking.redaction import one_line, redact, redacted_uri
from sentiment.tracking.server import experiment_ids

TRIED = 20  # runs that did the same, of which some may have lost what they made
LONG = ("pretrain", "train", "trial", "tune", "main")  # steps during which the machine is watched
log = logging.getLogger(__name__)
Made = TypeVar("Made")


class StepRun(Outbox):
    """The run of a step, and what is logged of it."""

    def __init__(self, run: Run, beside: Callable[[], None] = lambda: None) -> None:
        super().__init__(run, beside)
        self.info: RunInfo = run.info


@contextmanager
def step_run(
    step: str, settings: Any, parent: str | None = None, resumed: str | None = None, asked: Any = None, **tags: str
) -> Iterator[StepRun]:
    """A run for one step, with its parameters logged.

    Whatever is raised inside ends it as FAILED, with the reason as a tag; Stopped as KILLED. Without a parent it is the run
    that `mlflow run` made for this process, if there is one; `resumed` is the id of one that goes on; `asked`, the settings as they were
    given, where `settings` are others: a launched run has those.

    Raises:
        UserError: MLflow does not begin it.
        ServerAwayError: The tracking server does not answer.
        UnsentError: It was done, and not all of it was sent.
    """
    run = _begin(step, settings, parent, resumed, asked or settings, tags)
    try:
        with server.raising_if_away():
            active = StepRun(run, lambda: None if parent else _fail_runs_of_dead_processes(step))
            names = [f.name for f in parameters(type(settings)) if f.name not in run.data.params]
            active.log_params({name: as_text(getattr(settings, name)) for name in names})
    except BaseException as error:
        _leave()
        if isinstance(error, OSError | KeyboardInterrupt | SystemExit):  # the disk is full, or it was interrupted
            fail_run(run.info.run_id, str(error) or type(error).__name__)
        raise
    try:
        with server.raising_if_away(), system_metrics.watched(active.log_system_metrics) if step in LONG else nullcontext():
            yield active
    except BaseException as error:
        _leave()
        _end(active, error)
        raise
    _leave()
    try:
        active.finish("FINISHED")
    except (KeyboardInterrupt, SystemExit) as error:
        _end(active, error)
        raise
    except OSError as error:
        fail_run(run.info.run_id, str(error))
        raise
    except UnsentError as error:
        if error.is_refused:
            fail_run(run.info.run_id, UNSENT)
        raise


def _end(active: StepRun, error: BaseException) -> None:
    stopped = isinstance(error, Stopped)
    reason = redact(str(error) or type(error).__name__)[:REASON_LENGTH]
    try:
        active.set_tags({"ended" if stopped else "failure": reason})
        active.finish("KILLED" if stopped else "FAILED", 0 if isinstance(error, server.ServerAwayError | UnsentError) else None)
    except OSError:
        fail_run(active.info.run_id, reason)
    except UnsentError as unsent:
        if unsent.is_refused:
            fail_run(active.info.run_id, reason)
        if isinstance(error, server.ServerAwayError):
            raise unsent from error  # which says the same, and where the run lies
        if not isinstance(error, UnsentError):
            print(unsent, flush=True)


def _begin(step: str, settings: Any, parent: str | None, resumed: str | None, asked: Any, tags: dict[str, str]) -> Run:
    launched = None if parent or resumed else os.environ.get("MLFLOW_RUN_ID")
    name = None if resumed else titles.title(step, settings, tags.get("trial"))
    try:
        if launched:
            run = MlflowClient().get_run(launched)
            _check_launched(run, step, asked)
            name = name if titles.is_made_up(run.info.run_name) else None
        return mlflow.start_run(
            resumed,
            experiment_id=None if launched or resumed else server.experiment_id(),
            run_name=name,
            nested=parent is not None,
            parent_run_id=parent,
            tags={"step": step, PROJECT: NAME, PROCESS: this_process(), **tags},
            log_system_metrics=False,  # not by MLflow, which waits for the server
        )
    except MlflowException as error:
        server.raise_if_away(error)
        names = ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID")
        which = [f"{name}={os.environ[name]}" for name in names if os.environ.get(name)]
        if error.error_code == "PERMISSION_DENIED":
            raise UserError(
                f"The login may not begin a run. Received: MLFLOW_TRACKING_URI={redacted_uri()}: {one_line(error)}. "
                "Have it allowed to, or name another experiment in MLFLOW_EXPERIMENT_NAME."
            ) from error
        received = ", ".join([f"run {parent or resumed}"] if parent or resumed else which) or "no run and no experiment"
        raise UserError(
            f"MLflow does not begin the run. Received: {received}: {one_line(error)}. "
            f"Name an experiment and a run that {redacted_uri()} has."
        ) from error


def _check_launched(run: Run, step: str, settings: Any) -> None:
    """Whether the run that the environment names can be one that `mlflow run` made for this step."""
    received, launch = f"Received: MLFLOW_RUN_ID={run.info.run_id}", "Unset MLFLOW_RUN_ID, or start with mlflow run."
    if run.info.lifecycle_stage == "deleted":
        raise UserError(f"The run is deleted. {received}. {launch}")
    if not is_free(run, step):
        raise UserError(f"The run is another's. {received}, {run.info.status}, step {step_of(run) or 'none'}. {launch}")
    if MLFLOW_PROJECT_ENTRY_POINT in run.data.tags:  # the launcher's parameters are quoted for a shell
        return
    for parameter in parameters(type(settings)):
        known, ours = run.data.params.get(parameter.name), getattr(settings, parameter.name)
        if known is not None and from_text(parameter, known) != ours:
            raise UserError(
                f"The run has other parameters. {received} with {parameter.name}={known}, where it is {as_text(ours)} here. {launch}"
            )


def _leave() -> None:
    with suppress(IndexError):
        _active_run_stack.get().pop()  # type: ignore[no-untyped-call]


def _fail_runs_of_dead_processes(step: str) -> None:
    """Ends as FAILED the runs of a step, and those under them, whose process was killed; a study's are `tune`'s to end."""
    resend.send_those_of_killed_processes()
    begun = [run for run in _search(RUNNING) if is_gone(run.data.tags.get(PROCESS, "")) and "study" not in run.data.tags]
    parents = {run.info.run_id: run.data.tags.get("mlflow.parentRunId") for run in begun}
    dead = {run.info.run_id for run in begun if run.data.tags["step"] == step}
    while under := {run_id for run_id, parent in parents.items() if parent in dead} - dead:
        dead |= under
    for run_id in dead:
        fail_run(run_id, GONE)


def fail_children(parent: str, *steps: str, known_to_be_gone: bool = False) -> None:
    """Ends as FAILED what of these steps is RUNNING under a parent, as its process was killed.

    known_to_be_gone: leaves those alone whose process may live.
    """
    for child in (child for step in steps for child in children(parent, step)):
        if child.info.status == "RUNNING" and (not known_to_be_gone or is_gone(child.data.tags.get(PROCESS, ""))):
            fail_run(child.info.run_id, GONE)


def children(parent: str, step: str) -> list[Run]:
    """The runs of a step under a parent, in whatever state, the newest first."""
    query = f"tags.`mlflow.parentRunId` = '{parent}' and tags.step = '{step}'"
    return list(MlflowClient().search_runs([mlflow.get_run(parent).info.experiment_id], query, max_results=10_000))


RUNNING, FINISHED = "attributes.status = 'RUNNING'", "attributes.status = 'FINISHED'"


def find_runs(step: str, most: int = 1, **tags: str) -> list[Run]:
    """The newest finished runs of a step of this project in the present experiment that have these tags."""
    return _search(FINISHED, most, step=step, **tags)


def made_before(step: str, get: Callable[[Run], Made], **tags: str) -> Made | None:
    """What `get` gives of the newest finished run of a step with these tags that still has it.

    get: raises UserError if the run has it no more.
    """
    for run in find_runs(step, TRIED, **tags):
        try:
            return get(run)
        except UserError:
            log.info("%s: run %s did the same, but its result can't be had any more", step, run.info.run_id)
    return None


def _search(status: str, most: int = 1000, **tags: str) -> list[Run]:
    query = " and ".join([status, *(f"tags.`{name}` = '{value}'" for name, value in ({PROJECT: NAME} | tags).items())])
    try:
        return list(MlflowClient().search_runs(experiment_ids(), query, max_results=most, order_by=["attributes.start_time DESC"]))
    except MlflowException as error:
        server.raise_if_away(error)
        raise


def get_run(run_id: str, name: str, *steps: str, or_path: bool = False) -> Run:
    """The run with that id.

    or_path: whether the parameter `name` may also be the path of a file, which this is not.

    Raises:
        UserError: There is none, or it is of none of these steps.
    """
    kinds = " or ".join(steps)
    try:
        run = MlflowClient().get_run(run_id)
    except MlflowException as error:
        server.raise_if_away(error)
        if or_path and (path := Path(run_id).expanduser()).exists():
            kind = "a folder" if path.is_dir() else "a pipe or a device"
            raise UserError(f"A model is one file. Received: {name}={run_id}, which is {kind}. Give the path of a file.") from error
        raise UserError(
            f"There is no such run{' or file' if or_path else ''}. Received: {name}={run_id}. "
            f"Give the id of a {kinds} run that {redacted_uri()} has{', or a path' if or_path else ''}."
        ) from error
    if run.data.tags.get("step") not in steps:
        raise UserError(
            f"The run is of another step. Received: {name}={run_id}, step {run.data.tags.get('step')}. Give the id of a {kinds} run."
        )
    return run
