"""How what was logged of a run gets to the tracking server. All of it can be done twice and is there once."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelOutput, Metric, Param, RunTag
from mlflow.models import Model
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

Record = dict[str, Any]
FILES, MODEL = "files", "model"
METRICS, OTHERS = 800, 100  # that MLflow takes at a time
AT_ONCE = 16  # files of a model


def send(run_id: str, folder: Path, records: Iterable[Record], place: str = "") -> Iterator[int]:
    """Sends the records of a run in their order; gives how many are sent, as they are. Raises what MLflow raises.

    place: of the run's files, if it is known.
    A record has parameters, tags or metrics, or names a file in the folder's `files`, a saved model, or how the run ended.
    """
    client, count = MlflowClient(), 0
    waiting: list[Record] = []
    for record in records:
        if record.keys() & {"params", "tags", "metrics"}:
            waiting.append(record)
            continue
        _send_values(client, run_id, waiting)
        count += len(waiting)
        waiting = []
        yield count
        if "file" in record:
            place = place or client.get_run(run_id).info.artifact_uri
            _send_file(get_artifact_repository(place), folder / FILES, folder / FILES / record["file"])
        elif "model" in record:
            _send_model(client, run_id, folder / record["model"])
        elif "dataset" in record:
            training = [InputTag("mlflow.data.context", "training")]
            client.log_inputs(run_id, [DatasetInput(Dataset(**record["dataset"]), training)])
        elif "status" in record:
            client.set_terminated(run_id, record["status"], record["time"])
        count += 1
        yield count
    _send_values(client, run_id, waiting)
    yield count + len(waiting)


def _send_values(client: MlflowClient, run_id: str, records: list[Record]) -> None:
    """Metrics with equal time and step are one to MLflow, however often they come."""
    params = [Param(name, value) for record in records for name, value in record.get("params", {}).items()]
    tags = [RunTag(name, value) for record in records for name, value in record.get("tags", {}).items()]
    metrics = [
        Metric(name, value, record["time"], record["step"]) for record in records for name, value in record.get("metrics", {}).items()
    ]
    rounds = max(-(-len(metrics) // METRICS), -(-len(params) // OTHERS), -(-len(tags) // OTHERS))
    for part in range(rounds):
        few, many = slice(part * OTHERS, (part + 1) * OTHERS), slice(part * METRICS, (part + 1) * METRICS)
        client.log_batch(run_id, metrics[many], params[few], tags[few])


def _send_model(client: MlflowClient, run_id: str, folder: Path) -> None:
    """The logged model of a run: made by the first who comes here, and finished by whoever comes last."""
    run = client.get_run(run_id)
    query = f"source_run_id = '{run_id}' AND name = '{MODEL}'"
    models = client.search_logged_models([run.info.experiment_id], query)
    model = models[0] if models else client.create_logged_model(run.info.experiment_id, MODEL, run_id, params=run.data.params)
    if not (run.outputs and run.outputs.model_outputs):
        client.log_outputs(run_id, [LoggedModelOutput(model.model_id, 0)])
    if str(model.status) == "READY":
        return
    description = Model.load(str(folder))
    description.run_id, description.model_id, description.model_uuid = run_id, model.model_id, model.model_id
    description.artifact_path = model.artifact_location
    description.save(str(folder / "MLmodel"))
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    repository = get_artifact_repository(model.artifact_location)  # asked for once, where MlflowClient asks for each file
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda path: _send_file(repository, folder, path), files))
    client.finalize_logged_model(model.model_id, "READY")


def _send_file(repository: ArtifactRepository, folder: Path, path: Path) -> None:
    place = path.parent.relative_to(folder).as_posix()
    repository.log_artifact(  # type: ignore[no-untyped-call]
        str(path), None if place == "." else place
    )
