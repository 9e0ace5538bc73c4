"""Outboxes that other processes left."""

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run, RunInfo
from mlflow.exceptions import MlflowException

from sentiment.tracking import outbox, sending
from sentiment.tracking.processes import GONE, is_gone, is_running

RUN_FILE = outbox.RUN
ORIGINAL = "sent_as"  # the tag with the run's id where it was begun, if that server has it no more


def is_at_work(folder: Path) -> bool:
    about, records = outbox.read(folder)
    return is_running(about["process"]) and not any("status" in record for record in records)


def start_time(folder: Path) -> int:
    return int(outbox.read(folder)[0]["start"])


def send_those_of_killed_processes() -> None:
    """What such a process left unsent in the working folder goes to the server that knows the run."""
    for file in outbox.UNSENT_FOLDER.glob(f"*/*/{RUN_FILE}"):
        with suppress(Exception):  # no whole box, or of a run that another server has
            about, _ = outbox.read(file.parent)
            if is_gone(about["process"]) and not (file.parent / outbox.TO_BE_SENT).exists():
                MlflowClient().get_run(about["run_id"])
                send_again(file.parent)
                outbox.remove(file.parent)


def send_again(folder: Path) -> RunInfo:
    """Sends the run in a folder, all of it; returns what it is there. Raises what MLflow raises."""
    about, records = outbox.read(folder)
    run = _run(about)
    run_id = run.info.run_id
    if not any("status" in record for record in records) and "study" not in about["tags"]:  # a study's are tune's to end
        now = int(time.time() * 1000)
        records += [{"tags": {"failure": GONE}}] * (run.info.status == "RUNNING") + [{"status": "FAILED", "time": now}]
    for _ in sending.send(run.info, folder, records):
        pass
    if run.data.tags.get("failure") in (outbox.UNSENT, GONE) and records[-1].get("status") == "FINISHED":
        MlflowClient().delete_tag(run_id, "failure")
    return run.info


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
