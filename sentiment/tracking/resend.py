"""Outboxes that other processes left."""

import time
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from sentiment.tracking import outbox, sending
from sentiment.tracking.processes import is_running
from sentiment.tracking.runs import GONE

RUN_FILE = outbox.RUN
ORIGINAL = "sent_as"  # the tag with the run's id where it was begun, if that server has it no more


def is_at_work(folder: Path) -> bool:
    about, records = outbox.read(folder)
    return is_running(about["process"]) and not any("status" in record for record in records)


def begun(folder: Path) -> int:
    return int(outbox.read(folder)[0]["start"])


def send_again(folder: Path) -> str:
    """Sends the run in a folder, all of it; returns its id. Raises what MLflow raises."""
    about, records = outbox.read(folder)
    run_id = _run(about).info.run_id
    if not any("status" in record for record in records):
        now = int(time.time() * 1000)
        records += [{"tags": {"failure": GONE}}, {"status": "FAILED", "time": now}]
    for _ in sending.send(run_id, folder, records):
        pass
    return str(run_id)


def _run(about: dict[str, Any]) -> Run:
    """The run as the server has it; one that has none of that id gets one, or got it before."""
    client, run_id = MlflowClient(), about["run_id"]
    try:
        return client.get_run(run_id)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
    experiment = client.get_experiment_by_name(about["experiment"])
    experiment_id = experiment.experiment_id if experiment else client.create_experiment(about["experiment"])
    for run in client.search_runs([experiment_id], f"tags.{ORIGINAL} = '{run_id}'"):
        return run
    return client.create_run(experiment_id, about["start"], about["tags"] | {ORIGINAL: run_id}, about["name"])
