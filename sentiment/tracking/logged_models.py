"""MLflow's logged model of a run: begun before its first metric, which belong to it, and finished when its files are there."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput, Run
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

NAME = "model"
KIND = "sentiment"  # MLflow's model type, which models can be searched by
AT_ONCE = 32  # files that are sent side by side
COPIED = ("project", "prepared_run_id", "data_fingerprint")  # tags of a run that its model has, too


def find(run_id: str) -> LoggedModel | None:
    """The model of a run, if it has one."""
    return _find(MlflowClient().get_run(run_id))


def _find(run: Run) -> LoggedModel | None:
    query = f"source_run_id = '{run.info.run_id}' AND name = '{NAME}'"
    models = MlflowClient().search_logged_models([run.info.experiment_id], query)
    return models[0] if models else None


def made_by(run_id: str) -> str | None:
    """The id of the model of a run that is done; None if the server does not know it."""
    try:
        return _made_by(run_id, mlflow.get_tracking_uri())
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None


@cache
def _made_by(run_id: str, address: str) -> str | None:
    model = find(run_id)
    return str(model.model_id) if model else None


@dataclass
class _Begun:
    """is_untouched: the model was made here, and nothing was added to it yet, so that the server need not be asked what it has."""

    model: LoggedModel
    is_untouched: bool


def begin(run_id: str) -> str:
    """The id of a run's model; made if it has none yet, with the parameters that the run has by now."""
    return str(_begin(run_id, mlflow.get_tracking_uri()).model.model_id)


@cache
def _begin(run_id: str, address: str) -> _Begun:
    client = MlflowClient(address)
    run = client.get_run(run_id)
    if model := _find(run):
        return _Begun(model, is_untouched=False)
    tags = {name: value for name, value in run.data.tags.items() if name in COPIED}
    made = client.create_logged_model(run.info.experiment_id, NAME, run_id, tags, run.data.params, KIND)
    return _Begun(made, is_untouched=True)


def add_output(run_id: str, model_id: str) -> None:
    """Names a model as what a run gave, once."""
    outputs = MlflowClient().get_run(run_id).outputs
    if model_id not in [each.model_id for each in (outputs.model_outputs if outputs else [])]:
        MlflowClient().log_outputs(run_id, [LoggedModelOutput(model_id, 0)])


def finish(run_id: str, folder: Path) -> None:
    """Sends the files of a run's model, unless that has been done."""
    client, begun = MlflowClient(), _begin(run_id, mlflow.get_tracking_uri())
    model, model_id = begun.model, str(begun.model.model_id)
    if begun.is_untouched:
        begun.is_untouched = False
        client.log_outputs(run_id, [LoggedModelOutput(model_id, 0)])
    else:
        add_output(run_id, model_id)
        if str(client.get_logged_model(model_id).status) == "READY":
            return
    description = Model.load(str(folder))
    description.run_id, description.model_id, description.model_uuid = run_id, model_id, model_id
    description.artifact_path = model.artifact_location
    description.save(str(folder / "MLmodel"))
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    repository = get_artifact_repository(model.artifact_location)  # asked for once, where MlflowClient asks for each file
    send_files(repository, folder, files)
    client.finalize_logged_model(model_id, "READY")


def send_files(repository: ArtifactRepository, folder: Path, paths: list[Path]) -> None:
    """Side by side, as a server may take seconds for each."""

    def send(path: Path) -> None:
        place = path.parent.relative_to(folder).as_posix()
        repository.log_artifact(str(path), None if place == "." else place)  # type: ignore[no-untyped-call]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(send, paths))
