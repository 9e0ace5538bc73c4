"""How what was logged of a run gets to the tracking server. All of it can be done twice and is there once."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from sentiment.tracking import datasets, logged_models

Record = dict[str, Any]
FILES, MODEL = "files", logged_models.NAME
CONTEXT = "mlflow.data.context"
OWN = "own"  # the model of the run itself, whose id another server may not keep
METRICS, OTHERS = 800, 100  # that MLflow takes at a time


def send(run_id: str, folder: Path, records: Iterable[Record], place: str = "") -> Iterator[int]:
    """Sends the records of a run in their order; gives how many are sent, as they are. Raises what MLflow raises.

    place: of the run's files, if it is known.
    A record has parameters, tags or metrics, or names a file in the folder's `files`, datasets, a saved model, or
    one that another run made, or how the run ended.
    """
    client, count = MlflowClient(), 0
    waiting: list[Record] = []
    files: list[Path] = []

    def send_files() -> None:
        repository = get_artifact_repository(place or client.get_run(run_id).info.artifact_uri)
        logged_models.send_files(repository, folder / FILES, files)

    for record in records:
        if "file" not in record and files:
            send_files()
            count += len(files)
            files = []
            yield count
        if record.keys() & {"params", "tags", "metrics"}:
            waiting.append(record)
            continue
        _send_values(client, run_id, waiting)
        count += len(waiting)
        waiting = []
        yield count
        if "file" in record:
            files.append(folder / FILES / record["file"])
            continue
        if "model" in record:
            logged_models.finish(run_id, folder / record["model"])
        elif "output_of" in record:
            model_id = logged_models.made_by(record["output_of"])
            if model_id:
                logged_models.add_output(run_id, model_id)
        elif record.keys() & {"inputs", "dataset"}:
            sets = record.get("inputs") or {"training": record["dataset"]}  # one, as version 1 wrote it
            inputs = [DatasetInput(Dataset(**each), [InputTag(CONTEXT, context)]) for context, each in sets.items()]
            client.log_inputs(run_id, inputs)
        elif "status" in record:
            client.set_terminated(run_id, record["status"], record["time"])
        count += 1
        yield count
    if files:
        send_files()
    _send_values(client, run_id, waiting)
    yield count + len(files) + len(waiting)


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
    """Those of a record, each with the model and the dataset that it measures, as far as there are such."""
    other = record.get("model_of")
    model = logged_models.begin(run_id) if other == OWN else logged_models.made_by(other) if other else None
    for name, value in record.get("metrics", {}).items():
        dataset, digest = record.get("datasets", {}).get(datasets.of_metric(name), (None, None))
        yield Metric(name, value, record["time"], record["step"], model, dataset, digest)
