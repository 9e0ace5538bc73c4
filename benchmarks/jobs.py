"""Searches as `tune` runs them, apart from the user's runs."""

from collections.abc import Callable
from pathlib import Path

import mlflow

from sentiment import tracking
from sentiment.preparation.prepared import Prepared
from sentiment.settings import TuneSettings
from sentiment.steps import trial


def track_in(folder: Path) -> None:
    """Makes MLflow keep what follows in the folder."""
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.set_experiment(experiment_id=mlflow.create_experiment("benchmark", f"file://{folder}/artifacts"))


def start(name: str, settings: TuneSettings, data: Prepared, stopping: Callable[[], bool] = lambda: False) -> trial.Job:
    """What the trials of a study of that name share, with a run that theirs are children of."""
    with tracking.step_run("tune", settings, study=name) as parent:
        return trial.Job(settings, name, parent.info.run_id, data, {}, stopping)
