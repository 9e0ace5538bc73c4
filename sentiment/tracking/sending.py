"""How what was logged of a run gets to the tracking server. All of it can be done twice and is there once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunInfo, RunTag
from mlflow.exceptions import MlflowException

from sentiment.tracking import datasets, logged_models
from sentiment.tracking.side_by_side import AT_ONCE, as_completed, gather

Record = dict[str, Any]
FILES, MODEL = "files", logged_models.NAME
CONTEXT = "mlflow.data.context"
OWN = "own"  # the model of the run itself, whose id another server may not keep
METRICS, OTHERS = 800, 100  # that MLflow takes at a time


@dataclass(frozen=True)
class _Box:
    """What is sent of which run. folder: with the files that records name."""

    client: MlflowClient
    run: RunInfo
    folder: Path

    @property
    def run_id(self) -> str:
        return str(self.run.run_id)


def send(run: RunInfo, folder: Path, records: Sequence[Record]) -> Iterator[list[int]]:
    """Sends the records of a run; yields the indices of those that are sent, a kind at a time.

    A server may take seconds for each request, so what does not depend on one another goes side by side. Raises what MLflow raises,
    when what goes beside it is done.

    A record has parameters, tags or metrics, or names a file in the folder's `files`, datasets, a saved model, or
    one that another run made, or how the run ended.
    """
    box = _Box(MlflowClient(), run, folder)
    at_once = AT_ONCE if mlflow.get_tracking_uri().startswith("http") else 1
    for stage in STAGES:
        groups = [(kind, indices) for kind in stage if (indices := [index for index, each in enumerate(records) if _kind(each) == kind])]
        tasks = [partial(stage[kind], box, [records[index] for index in indices]) for kind, indices in groups]
        errors = []
        for number, _, error in as_completed(tasks, at_once):
            if error:
                errors.append(error)
            else:
                yield groups[number][1]
        if errors:
            raise errors[0]


def _kind(record: Record) -> str:
    return next(kind for stage in STAGES for kind in stage if kind in record)


def _sets(record: Record) -> dict[str, dict[str, str]]:
    """The datasets by their context; version 1 wrote one."""
    return record.get("inputs") or {"training": record["dataset"]}


def _send_files(box: _Box, records: list[Record]) -> None:
    gather(logged_models.uploads(box.run.artifact_uri, box.folder / FILES, [box.folder / FILES / record["file"] for record in records]))


def _send_models(box: _Box, records: list[Record]) -> None:
    for record in records:
        logged_models.finish(box.run, box.folder / record["model"])


def _send_outputs(box: _Box, records: list[Record]) -> None:
    for record in records:
        if model_id := logged_models.made_by(record["output_of"]):
            logged_models.add_output(box.run_id, model_id)


def _send_status(box: _Box, records: list[Record]) -> None:
    for record in records:
        box.client.set_terminated(box.run_id, record["status"], record["time"])


def _send_datasets(box: _Box, records: list[Record]) -> None:
    inputs = [DatasetInput(Dataset(**each), [InputTag(CONTEXT, context)]) for record in records for context, each in _sets(record).items()]
    try:
        box.client.log_inputs(box.run_id, inputs)
    except MlflowException as error:
        if "unique" not in str(error).lower():
            raise
        box.client.log_inputs(box.run_id, inputs)  # MLflow looks for a dataset, then adds it: another run added the same one between


def _send_values(box: _Box, records: list[Record]) -> None:
    """Metrics with equal time and step are one to MLflow, however often they come; of tags, the last counts."""
    params = [Param(name, value) for record in records for name, value in record.get("params", {}).items()]
    tags = [RunTag(name, value) for record in records for name, value in record.get("tags", {}).items()]
    metrics = [metric for record in records for metric in _metrics(box.run, record)]
    rounds = max(-(-len(metrics) // METRICS), -(-len(params) // OTHERS), -(-len(tags) // OTHERS))
    for part in range(rounds):
        few, many = slice(part * OTHERS, (part + 1) * OTHERS), slice(part * METRICS, (part + 1) * METRICS)
        box.client.log_batch(box.run_id, metrics[many], params[few], tags[few])


def _metrics(run: RunInfo, record: Record) -> Iterator[Metric]:
    """The metrics of a record, each with the model and the dataset that it measures, if there are such."""
    other = record.get("model_of")
    model = logged_models.begin(run) if other == OWN else logged_models.made_by(other) if other else None
    for name, value in record.get("metrics", {}).items():
        dataset, digest = record.get("datasets", {}).get(datasets.of_metric(name), (None, None))
        yield Metric(name, value, record["time"], record["step"], model, dataset, digest)


STAGES: tuple[dict[str, Callable[[_Box, list[Record]], None]], ...] = (  # what sends which kind of records, one stage after the other
    {"params": _send_values},  # which a model takes over from its run
    {
        "tags": _send_values,
        "metrics": _send_values,
        "inputs": _send_datasets,
        "dataset": _send_datasets,
        "file": _send_files,
        "model": _send_models,
        "output_of": _send_outputs,
    },
    {"status": _send_status},
)
