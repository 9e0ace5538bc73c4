"""Runs, metrics and files on the MLflow tracking server. All of it happens in the driver."""

from sentiment.tracking.artifacts import artifact, artifact_location
from sentiment.tracking.datasets import SPLITS, all_reviews, split_datasets
from sentiment.tracking.ending import fail_run
from sentiment.tracking.launched import describe_launched_run, fail_launched_run
from sentiment.tracking.names import NOTE
from sentiment.tracking.outbox import UnsentError
from sentiment.tracking.processes import GONE
from sentiment.tracking.redaction import one_line, redact, redacted_uri
from sentiment.tracking.resend import RUN_FILE, in_order, read_unsent, run_here, send_again
from sentiment.tracking.runs import StepRun, children, fail_children, find_runs, get_run, made_before, step_run
from sentiment.tracking.scratch import own_temporary_folder, scratch, work_folder
from sentiment.tracking.server import (
    ServerAwayError,
    check_server,
    existing_location,
    experiment_id,
    location,
    raise_if_away,
    server_version,
)

__all__ = [
    "GONE",
    "NOTE",
    "RUN_FILE",
    "SPLITS",
    "ServerAwayError",
    "StepRun",
    "UnsentError",
    "all_reviews",
    "artifact",
    "artifact_location",
    "check_server",
    "children",
    "describe_launched_run",
    "existing_location",
    "experiment_id",
    "fail_children",
    "fail_launched_run",
    "fail_run",
    "find_runs",
    "get_run",
    "in_order",
    "location",
    "made_before",
    "one_line",
    "own_temporary_folder",
    "raise_if_away",
    "read_unsent",
    "redact",
    "redacted_uri",
    "run_here",
    "scratch",
    "send_again",
    "server_version",
    "split_datasets",
    "step_run",
    "work_folder",
]
