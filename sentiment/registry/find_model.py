"""Where a model is: in the registry, in a run, or on disk."""

from pathlib import Path

import mlflow
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from sentiment import tracking
from sentiment.errors import UserError

FILE = "model.h5"
STEPS = ("train", "import")  # those whose runs have one


def newest_run(received: str) -> Run:
    """The newest finished train run. Raises UserError, telling what was `received`, if there is none."""
    runs = tracking.find_runs("train")
    if not runs:
        raise UserError(f"There is no trained model yet. Received: {received}. Train one first: mlflow run . -e train.")
    return runs[0]


def find(model: str, parameter: str = "model") -> Path:
    """The `model.h5` that the parameter of that name has: `models:/name@alias`, `models:/name/version`, a run's id, or a path.

    Raises:
        UserError: There is none.
    """
    path = Path(model).expanduser()
    if path.is_file():
        return path
    if not model.startswith("models:/"):
        return tracking.artifact(tracking.get_run(model, parameter, *STEPS, or_path=True), FILE)
    try:
        folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=model))
    except (MlflowException, OSError) as error:
        tracking.raise_if_away(error)
        raise UserError(
            f"There is no such registered model. Received: {parameter}={model}: {str(error)[:150]}. "
            "Register one, or give the id of a train or import run or a path to a model.h5."
        ) from error
    files = sorted(folder.rglob(FILE))
    if len(files) != 1:
        raise UserError(
            f"The registered model is not of this project. Received: {parameter}={model}, {len(files)} model.h5 in it. Give another."
        )
    return files[0]
