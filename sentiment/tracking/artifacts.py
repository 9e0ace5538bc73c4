"""Files of runs."""

from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException

from sentiment.errors import UserError
from sentiment.tracking import server
from sentiment.tracking.scratch import scratch


def artifact(run_id: str, name: str) -> Path:
    """An artifact as a local file; one that is on this machine already is not copied.

    Raises:
        UserError: The run has none of that name.
        ServerAwayError: The tracking server does not answer.
    """
    try:
        found = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=name, dst_path=None if _is_local(run_id) else scratch())
    except (MlflowException, OSError) as error:
        server.raise_if_away(error)
        raise UserError(f"The run has no {name}. Received: run {run_id}: {str(error)[:150]}. Give a run that finished.") from error
    return Path(found)


def _is_local(run_id: str) -> bool:
    place = mlflow.get_run(run_id).info.artifact_uri or ""
    return place.startswith(("/", "file:"))
