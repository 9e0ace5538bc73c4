"""The run that `mlflow run` began for this process, before this project was asked."""

import logging
import os

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_PROJECT_ENTRY_POINT

from sentiment.database_server import connect_once
from sentiment.tracking import database
from sentiment.tracking.ending import fail_run
from sentiment.tracking.names import NOTE, PROCESS
from sentiment.tracking.processes import this_process
from sentiment.tracking.redaction import redact
from sentiment.tracking.titles import is_made_up

log = logging.getLogger(__name__)


def step_of(run: Run) -> str | None:
    return run.data.tags.get("step", run.data.tags.get(MLFLOW_PROJECT_ENTRY_POINT))


def is_free(run: Run, step: str) -> bool:
    """Whether nobody but this process has begun a step in it."""
    of_another = run.data.tags.get(PROCESS, this_process()) != this_process()
    return run.info.status in ("RUNNING", "SCHEDULED") and step_of(run) in (None, step) and not of_another


def describe_launched_run(step: str, title: str, note: str) -> None:
    """Gives it a name and a description, where no step takes it up. What else the environment names is left alone."""
    if run := _find(step):
        _describe(run, title, note)


def fail_launched_run(step: str, reason: str) -> None:
    """Ends it, if no step has taken it up."""
    if run := _find(step):
        _describe(run, step, reason)
        fail_run(run.info.run_id, reason)


def _find(step: str) -> Run | None:
    run_id = os.environ.get("MLFLOW_RUN_ID")
    if not run_id or database.is_missing():
        return None
    try:
        connect_once(mlflow.get_tracking_uri())
        run = MlflowClient().get_run(run_id)
    except Exception as error:
        if not isinstance(error, MlflowException) or error.error_code != "RESOURCE_DOES_NOT_EXIST":
            log.warning("Run %s can't be had: %s", run_id, redact(str(error)))
        return None
    return run if run.info.lifecycle_stage != "deleted" and is_free(run, step) else None


def _describe(run: Run, title: str, note: str) -> None:
    client, run_id = MlflowClient(), run.info.run_id
    try:
        if is_made_up(run.info.run_name):
            client.update_run(run_id, name=title)
        client.set_tag(run_id, NOTE, redact(note))
    except Exception as error:
        log.warning("Run %s could not be described: %s", run_id, redact(str(error)))
