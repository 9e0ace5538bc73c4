"""Files of runs."""

from pathlib import Path

import mlflow
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from sentiment.errors import UserError
from sentiment.tracking import server
from sentiment.tracking.scratch import scratch


def artifact(run: Run | str, name: str) -> Path:
    """An artifact as a local file; one that is on this machine already is not copied.

    Raises:
        UserError: The run has none of that name.
        ServerAwayError: The tracking server does not answer.
    """
    run_id = run if isinstance(run, str) else run.info.run_id
    try:
        place = (mlflow.get_run(run) if isinstance(run, str) else run).info.artifact_uri or ""
        is_local = place.startswith(("/", "file:"))
        found = mlflow.artifacts.download_artifacts(artifact_uri=f"{place}/{name}", dst_path=None if is_local else scratch())
    except (MlflowException, OSError) as error:
        server.raise_if_away(error)
        raise UserError(f"The run has no {name}. Received: run {run_id}: {str(error)[:150]}. Give a run that finished.") from error
    return Path(found)
