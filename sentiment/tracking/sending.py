"""How what was logged of a run gets to the tracking server. All of it can be done twice and is there once."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from sentiment.tracking import datasets, logged_models

Record = dict[str, Any]
FILES, MODEL = "files", logged_models.NAME
CONTEXT = "mlflow.data.context"
OWN = "own"  # the model of the run itself, whose id another server may not keep
METRICS, OTHERS = 800, 100  # that MLflow takes at a time


def send(run_id: str, folder: Path, records: Iterable[Record], artifact_uri: str = "") -> Iterator[int]:
    """Sends the records of a run in their order; yields how many are sent so far. Raises what MLflow raises.

    artifact_uri: of the run, if it is known.
    A record has parameters, tags or metrics, or names a file in the folder's `files`, datasets, a saved model, or
    one that another run made, or how the run ended.
    """
    client, count = MlflowClient(), 0
    for kind, group in groupby(records, _kind):
        several = list(group)
        if kind == "values":
            _send_values(client, run_id, several)
        elif kind == "files":
            repository = get_artifact_repository(artifact_uri or client.get_run(run_id).info.artifact_uri)
            logged_models.send_files(repository, folder / FILES, [folder / FILES / record["file"] for record in several])
        else:
            for record in several:
                _send_one(client, run_id, folder, record)
                count += 1
                yield count
            continue
        count += len(several)
        yield count


def _kind(record: Record) -> str:
    """Records of `values` or `files` that follow one another are sent together."""
    if record.keys() & {"params", "tags", "metrics"}:
        return "values"
    return "files" if "file" in record else "others"


def _send_one(client: MlflowClient, run_id: str, folder: Path, record: Record) -> None:
    if "model" in record:
        logged_models.finish(run_id, folder / record["model"])
    elif "output_of" in record:
        if model_id := logged_models.made_by(record["output_of"]):
            logged_models.add_output(run_id, model_id)
    elif record.keys() & {"inputs", "dataset"}:
        _send_datasets(client, run_id, record.get("inputs") or {"training": record["dataset"]})  # one, as version 1 wrote it
    elif "status" in record:
        client.set_terminated(run_id, record["status"], record["time"])


def _send_datasets(client: MlflowClient, run_id: str, sets: dict[str, dict[str, str]]) -> None:
    inputs = [DatasetInput(Dataset(**each), [InputTag(CONTEXT, context)]) for context, each in sets.items()]
    try:
        client.log_inputs(run_id, inputs)
    except MlflowException as error:
        if "unique" not in str(error).lower():
            raise
        client.log_inputs(run_id, inputs)  # MLflow looks for a dataset, then adds it: another run added the same one between


def _send_values(client: MlflowClient, run_id: str, records: list[Record]) -> None:
    """Metrics with equal time and step are one to MLflow, however often they come."""
    params = [Param(name, value) for record in records for name, value in record.get("params", {}).items()]
    tags = [RunTag(name, value) for record in records for name, value in record.get("tags", {}).items()]
    metrics = [metric for record in records for metric in _metrics(run_id, record)]
    rounds = max(-(-len(metrics) // METRICS), -(-len(params) // OTHERS), -(-len(tags) // OTHERS))
    for part in range(rounds):
        few, many = slice(part * OTHERS, (part + 1) * OTHERS), slice(part * METRICS, (part + 1) * METRICS)
        client.log_batch(run_id, metrics[many], params[few], tags[few])


def _metrics(run_id: str, record: Record) -> Iterator[Metric]:
    """The metrics of a record, each with the model and the dataset that it measures, if there are such."""
    other = record.get("model_of")
    model = logged_models.begin(run_id) if other == OWN else logged_models.made_by(other) if other else None
    for name, value in record.get("metrics", {}).items():
        dataset, digest = record.get("datasets", {}).get(datasets.of_metric(name), (None, None))
        yield Metric(name, value, record["time"], record["step"], model, dataset, digest)
