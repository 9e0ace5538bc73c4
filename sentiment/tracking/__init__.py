"""Runs, metrics and files on the MLflow tracking server. All of it happens in the driver."""

from sentiment.tracking.artifacts import artifact, artifact_location
from sentiment.tracking.datasets import SPLITS, split_datasets
from sentiment.tracking.outbox import UnsentError
from sentiment.tracking.processes import GONE
from sentiment.tracking.resend import RUN_FILE, begin_again, in_order, is_at_work, send_again, start_time
from sentiment.tracking.runs import StepRun, children, fail_dead_children, fail_launched_run, fail_run, find_runs, get_run, step_run
from sentiment.tracking.scratch import own_temporary_folder, scratch, work_folder
from sentiment.tracking.server import (
    ServerAwayError,
    check_server,
    existing_location,
    experiment_id,
    hide,
    location,
    raise_if_away,
    server_version,
    short,
    where,
)

__all__ = [
    "GONE",
    "RUN_FILE",
    "SPLITS",
    "ServerAwayError",
    "StepRun",
    "UnsentError",
    "artifact",
    "artifact_location",
    "begin_again",
    "check_server",
    "children",
    "existing_location",
    "experiment_id",
    "fail_dead_children",
    "fail_launched_run",
    "fail_run",
    "find_runs",
    "get_run",
    "hide",
    "in_order",
    "is_at_work",
    "location",
    "own_temporary_folder",
    "raise_if_away",
    "scratch",
    "send_again",
    "server_version",
    "short",
    "split_datasets",
    "start_time",
    "step_run",
    "where",
    "work_folder",
]
