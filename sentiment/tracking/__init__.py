"""What MLflow is told, and how it is asked. All of it happens in the driver."""

from sentiment.tracking.artifacts import artifact
from sentiment.tracking.datasets import SPLITS, split_datasets
from sentiment.tracking.resend import RUN_FILE, begun, is_at_work, send_again
from sentiment.tracking.runs import StepRun, children, fail_launched_run, fail_run, find_runs, get_run, step_run
from sentiment.tracking.scratch import own_temporary_folder, scratch, work_folder
from sentiment.tracking.server import check_server, experiment_id, hide, place, raise_if_away, server_version, where

__all__ = [
    "RUN_FILE",
    "SPLITS",
    "StepRun",
    "artifact",
    "begun",
    "check_server",
    "children",
    "experiment_id",
    "fail_launched_run",
    "fail_run",
    "find_runs",
    "get_run",
    "hide",
    "is_at_work",
    "own_temporary_folder",
    "place",
    "raise_if_away",
    "scratch",
    "send_again",
    "server_version",
    "split_datasets",
    "step_run",
    "where",
    "work_folder",
]
