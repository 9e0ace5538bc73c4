"""Files of runs."""

from pathlib import Path

import mlflow
from mlflow.entities import Run, RunInfo
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.utils.file_utils import local_file_uri_to_path
from mlflow.utils.uri import is_local_uri

from sentiment.errors import UserError
from sentiment.tracking import server
from sentiment.tracking.scratch import scratch


def artifact_location(info: RunInfo, name: str) -> str:
    """An artifact for people: its path if it is on this machine, or else its address."""
    uri = f"{info.artifact_uri}/{name}"
    return str(Path(local_file_uri_to_path(uri)).absolute()) if is_local_uri(uri) else uri  # type: ignore[no-untyped-call]


def artifact(run: Run | str, name: str) -> Path:
    """An artifact as a local file; one that is on this machine already is not copied.

    Raises:
        UserError: The run has none of that name.
        ServerAwayError: The tracking server does not answer.
    """
    run_id = run if isinstance(run, str) else run.info.run_id
    try:
        uri = (mlflow.get_run(run) if isinstance(run, str) else run).info.artifact_uri or ""
        if uri.startswith(("/", "file:")):
            return Path(mlflow.artifacts.download_artifacts(artifact_uri=f"{uri}/{name}"))
        path = Path(scratch(), name)
        get_artifact_repository(uri)._download_file(name, str(path))  # type: ignore[no-untyped-call]  # MLflow's public way asks first if it is a folder
    except (MlflowException, OSError) as error:
        server.raise_if_away(error)
        raise UserError(f"The run has no {name}. Received: run {run_id}: {str(error)[:150]}. Give a run that finished.") from error
    return path
