"""Outboxes that other processes left."""

import contextlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from sentiment.errors import UserError
from sentiment.tracking import outbox, sending
from sentiment.tracking.processes import GONE, is_gone, is_running

RUN_FILE = outbox.RUN
RUN_ID = "[0-9a-f]{32}"
ORIGINAL = "sent_as"  # the tag with the run's id where it was begun, if that server has it no more


@dataclass(frozen=True)
class Unsent:
    """A run that lies in a folder. about: what it is; records: what was logged of it, as `sending` takes them."""

    folder: Path
    about: dict[str, Any]
    records: list[sending.Record]

    @property
    def run_id(self) -> str:
        return str(self.about["run_id"])

    @property
    def start_time(self) -> int:
        return int(self.about["start"])

    @property
    def has_ended(self) -> bool:
        return any("status" in record for record in self.records)

    @property
    def is_finished(self) -> bool:
        """Whether it ended as it should."""
        return any(record.get("status") == "FINISHED" for record in self.records)

    @property
    def step(self) -> str:
        return str(self.about["tags"].get("step", ""))

    @property
    def is_at_work(self) -> bool:
        return is_running(self.about["process"]) and not self.has_ended


def send_those_of_killed_processes() -> None:
    """What such a process left unsent in the working folder goes to the server that knows the run."""
    for file in outbox.UNSENT_FOLDER.glob(f"*/*/{RUN_FILE}"):
        with contextlib.suppress(Exception):  # no whole box, or of a run that another server has
            unsent = read_unsent(file.parent)
            if is_gone(unsent.about["process"]) and not (unsent.folder / outbox.TO_BE_SENT).exists():
                send_again(unsent, MlflowClient().get_run(unsent.run_id))
                outbox.remove(unsent.folder)


def send_again(unsent: Unsent, run: Run) -> None:
    """Sends all of it. run: what it is on the server. Raises what MLflow raises."""
    records = list(unsent.records)
    if not unsent.has_ended and "study" not in unsent.about["tags"]:  # a study's are tune's to end
        now = int(time.time() * 1000)
        records += [{"tags": {"failure": GONE}}] * (run.info.status == "RUNNING") + [{"status": "FAILED", "time": now}]
    if ORIGINAL in run.data.tags:
        id_here = cache(partial(_id_here, experiment_id=run.info.experiment_id))
        records = [_renamed(record, id_here) for record in records]
    for _ in sending.send(run.info, unsent.folder, records):
        pass
    if run.data.tags.get("failure") in (outbox.UNSENT, GONE) and records[-1].get("status") == "FINISHED":
        MlflowClient().delete_tag(run.info.run_id, "failure")


def in_order(several: list[Unsent]) -> list[Unsent]:
    """Such that a run comes behind those under it, whose model and metrics it shows, and else by when it began."""
    parents = {unsent.run_id: unsent.about["tags"].get("mlflow.parentRunId") for unsent in several}

    def depth(run_id: str) -> int:
        above = 0
        while (run_id := parents.get(run_id, "")) and above < len(parents):
            above += 1
        return above

    return sorted(several, key=lambda unsent: (-depth(unsent.run_id), unsent.start_time))


def _renamed(value: Any, id_here: Callable[[str], str]) -> Any:
    """What was logged of a run, with the ids that runs have on this server."""
    if isinstance(value, dict):
        return {name: _renamed(each, id_here) for name, each in value.items()}
    return id_here(value) if isinstance(value, str) and re.fullmatch(RUN_ID, value) else value


def _id_here(run_id: str, experiment_id: str) -> str:
    """The id that a run got here; its own, if it got none."""
    runs = MlflowClient().search_runs([experiment_id], f"tags.{ORIGINAL} = '{run_id}'")
    return str(runs[0].info.run_id) if runs else run_id


def run_here(unsent: Unsent) -> Run:
    """The run as the server has it; one that has none of that id gets one, or got it before. Raises what MLflow raises."""
    client, run_id, about = MlflowClient(), unsent.run_id, unsent.about
    try:
        return client.get_run(run_id)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
    experiment = client.get_experiment_by_name(about["experiment"])
    experiment_id = experiment.experiment_id if experiment else client.create_experiment(about["experiment"])
    for run in client.search_runs([experiment_id], f"tags.{ORIGINAL} = '{run_id}'"):
        return run
    tags = _renamed(about["tags"], partial(_id_here, experiment_id=experiment_id)) | {ORIGINAL: run_id}
    return client.create_run(experiment_id, about["start"], tags, about["name"])


def read_unsent(folder: Path) -> Unsent:
    """The run of an outbox; a line that a power cut tore off is left out.

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
    return Unsent(folder, about, records)


def _check(folder: Path, about: dict[str, Any], records: list[sending.Record]) -> None:
    """Raises what is caught in `read_unsent` if this was not written by an Outbox."""
    if not re.fullmatch(RUN_ID, about["run_id"]) or type(about["start"]) is not int:
        raise ValueError(f"{outbox.RUN} names no run")
    for text in (about["name"], about["experiment"], about["process"], *about["tags"].values()):
        if not isinstance(text, str):
            raise TypeError(f"{outbox.RUN} has {text!r:.50} for a text")
    if any(path.is_symlink() for path in folder.rglob("*")):
        raise ValueError("it has links to elsewhere")
    for record in records:
        path = Path(record.get("file", "file"))
        if record.get("model", sending.MODEL) != sending.MODEL or path.is_absolute() or ".." in path.parts:
            raise ValueError(f"{outbox.RECORDS} names a file elsewhere")
