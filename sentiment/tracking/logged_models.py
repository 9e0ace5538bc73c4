"""MLflow's logged model of a run: begun before its first metric, which belong to it, and finished when its files are there."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from threading import Lock

import mlflow
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput, RunInfo
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from sentiment.tracking.side_by_side import gather

NAME = "model"
KIND = "sentiment"  # MLflow's model type, which models can be searched by
COPIED = ("project", "prepared_run_id", "data_fingerprint")  # tags of a run that its model has, too


def find(run: RunInfo) -> LoggedModel | None:
    """The model of a run, if it has one."""
    query = f"source_run_id = '{run.run_id}' AND name = '{NAME}'"
    models = MlflowClient().search_logged_models([run.experiment_id], query)
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
    model = find(MlflowClient(address).get_run(run_id).info)
    return str(model.model_id) if model else None


@dataclass
class _Begun:
    """is_untouched: the model was made here, and nothing was added to it yet, so that the server need not be asked what it has."""

    model: LoggedModel
    is_untouched: bool


_all_begun: dict[tuple[str, str], _Begun] = {}  # by run and tracking address
_one_at_a_time = Lock()  # a run's metrics and its files may begin its model at the same moment


def begin(run: RunInfo) -> str:
    """The id of a run's model; made if it has none yet, with the parameters that the run has by now."""
    return str(_begun(run).model.model_id)


def _begun(run: RunInfo) -> _Begun:
    with _one_at_a_time:
        key = run.run_id, mlflow.get_tracking_uri()
        if key not in _all_begun:
            _all_begun[key] = _begin(run)
        return _all_begun[key]


def _begin(run: RunInfo) -> _Begun:
    client = MlflowClient()
    model, data = gather([lambda: find(run), lambda: client.get_run(run.run_id).data])
    if model:
        return _Begun(model, is_untouched=False)
    tags = {name: value for name, value in data.tags.items() if name in COPIED}
    made = client.create_logged_model(run.experiment_id, NAME, run.run_id, tags, data.params, KIND)
    return _Begun(made, is_untouched=True)


def add_output(run_id: str, model_id: str) -> None:
    """Names a model as what a run gave, once."""
    outputs = MlflowClient().get_run(run_id).outputs
    if model_id not in [each.model_id for each in (outputs.model_outputs if outputs else [])]:
        MlflowClient().log_outputs(run_id, [LoggedModelOutput(model_id, 0)])


def finish(run: RunInfo, folder: Path) -> None:
    """Sends the files of a run's model, unless that has been done."""
    client, begun = MlflowClient(), _begun(run)
    model, model_id = begun.model, str(begun.model.model_id)
    is_untouched, begun.is_untouched = begun.is_untouched, False
    if is_untouched:
        add = partial(client.log_outputs, run.run_id, [LoggedModelOutput(model_id, 0)])
    else:
        add = partial(add_output, run.run_id, model_id)
        if str(client.get_logged_model(model_id).status) == "READY":
            add()
            return
    description = Model.load(str(folder))
    description.run_id, description.model_id, description.model_uuid = run.run_id, model_id, model_id
    description.artifact_path = model.artifact_location
    description.save(str(folder / "MLmodel"))
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    gather([add, *uploads(model.artifact_location, folder, files)])
    client.finalize_logged_model(model_id, "READY")


def uploads(artifact_uri: str, folder: Path, paths: list[Path]) -> list[Callable[[], None]]:
    """What sends each of the files in the folder to the same folder there."""
    repository = get_artifact_repository(artifact_uri)  # once, where MlflowClient asks the server for each file

    def send(path: Path) -> None:
        subfolder = path.parent.relative_to(folder).as_posix()
        repository.log_artifact(str(path), None if subfolder == "." else subfolder)  # type: ignore[no-untyped-call]

    return [partial(send, path) for path in paths]
