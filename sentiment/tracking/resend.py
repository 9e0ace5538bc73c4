"""Outboxes that other processes left."""

import contextlib
import json
import re
import time
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run, RunInfo
from mlflow.exceptions import MlflowException

from sentiment.errors import UserError
from sentiment.tracking import outbox, sending
from sentiment.tracking.processes import GONE, is_gone, is_running

RUN_FILE = outbox.RUN
ORIGINAL = "sent_as"  # the tag with the run's id where it was begun, if that server has it no more


def is_at_work(folder: Path) -> bool:
    about, records = read(folder)
    return is_running(about["process"]) and not any("status" in record for record in records)


def start_time(folder: Path) -> int:
    return int(read(folder)[0]["start"])


def send_those_of_killed_processes() -> None:
    """What such a process left unsent in the working folder goes to the server that knows the run."""
    for file in outbox.UNSENT_FOLDER.glob(f"*/*/{RUN_FILE}"):
        with contextlib.suppress(Exception):  # no whole box, or of a run that another server has
            about, _ = read(file.parent)
            if is_gone(about["process"]) and not (file.parent / outbox.TO_BE_SENT).exists():
                MlflowClient().get_run(about["run_id"])
                send_again(file.parent)
                outbox.remove(file.parent)


def send_again(folder: Path) -> RunInfo:
    """Sends the run in a folder, all of it; returns what it is there. Raises what MLflow raises."""
    about, records = read(folder)
    run = _run(about)
    run_id = run.info.run_id
    if not any("status" in record for record in records) and "study" not in about["tags"]:  # a study's are tune's to end
        now = int(time.time() * 1000)
        records += [{"tags": {"failure": GONE}}] * (run.info.status == "RUNNING") + [{"status": "FAILED", "time": now}]
    if ORIGINAL in run.data.tags:
        records = [_renamed(record, run.info.experiment_id) for record in records]
    for _ in sending.send(run.info, folder, records):
        pass
    if run.data.tags.get("failure") in (outbox.UNSENT, GONE) and records[-1].get("status") == "FINISHED":
        MlflowClient().delete_tag(run_id, "failure")
    return run.info


def in_order(folders: list[Path]) -> list[Path]:
    """Outboxes such that a run comes behind those under it, whose model and metrics it shows, and else by when it began."""
    runs = {folder: read(folder)[0] for folder in folders}
    parents = {about["run_id"]: about["tags"].get("mlflow.parentRunId") for about in runs.values()}

    def depth(run_id: str) -> int:
        above = 0
        while (run_id := parents.get(run_id, "")) and above < len(parents):
            above += 1
        return above

    return sorted(folders, key=lambda folder: (-depth(runs[folder]["run_id"]), runs[folder]["start"]))


def begin_again(folder: Path) -> None:
    """Sees to it that the server has the run, which others that are sent may name. Raises what MLflow raises."""
    _run(read(folder)[0])


def _renamed(value: Any, experiment_id: str) -> Any:
    """What was logged of a run, with the ids that runs have on this server."""
    if isinstance(value, dict):
        return {name: _renamed(each, experiment_id) for name, each in value.items()}
    is_id = isinstance(value, str) and re.fullmatch("[0-9a-f]{32}", value)
    return _id_here(value, experiment_id) if is_id else value


def _id_here(run_id: str, experiment_id: str) -> str:
    """The id that a run got here; its own, if it got none."""
    runs = MlflowClient().search_runs([experiment_id], f"tags.{ORIGINAL} = '{run_id}'")
    return str(runs[0].info.run_id) if runs else run_id


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
    tags = _renamed(about["tags"], experiment_id) | {ORIGINAL: run_id}
    return client.create_run(experiment_id, about["start"], tags, about["name"])


def read(folder: Path) -> tuple[dict[str, Any], list[sending.Record]]:
    """What the run of an outbox is, and its records; a line that a power cut tore off is left out.

    Raises:
        UserError: It is no outbox, or names files that do not lie in it.
    """
    try:
        about: dict[str, Any] = json.loads((folder / outbox.RUN).read_text())
        records: list[sending.Record] = []
        for line in (folder / outbox.RECORDS).read_text(encoding="utf-8").splitlines() if (folder / outbox.RECORDS).exists() else []:
            with contextlib.suppress(ValueError):
                records.append(json.loads(line))
        _check(folder, about, records)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise UserError(
            f"The folder holds no run that was not sent. Received: {folder}: {error}. Give one that a command named."
        ) from error
    return about, records


def _check(folder: Path, about: dict[str, Any], records: list[sending.Record]) -> None:
    """Raises what is caught in `read` if this was not written by an Outbox."""
    if not re.fullmatch("[0-9a-f]{32}", about["run_id"]) or type(about["start"]) is not int:
        raise ValueError(f"{outbox.RUN} names no run")
    for text in (about["name"], about["experiment"], about["process"], *about["tags"].values()):
        if not isinstance(text, str):
            raise TypeError(f"{outbox.RUN} has {text!r:.50} for a text")
    if any(path.is_symlink() for path in folder.rglob("*")):
        raise ValueError("it has links to elsewhere")
    for record in records:
        if record.get("model", sending.MODEL) != sending.MODEL or ".." in Path(record.get("file", "file")).parts:
            raise ValueError(f"{outbox.RECORDS} names a file elsewhere")
        if Path(record.get("file", "file")).is_absolute():
            raise ValueError(f"{outbox.RECORDS} names a file elsewhere")
