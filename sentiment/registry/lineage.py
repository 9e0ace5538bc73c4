"""What data a model was trained on, as far as the tracking server and the registry tell."""

from functools import cache

import mlflow
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from sentiment import tracking
from sentiment.registry import versions
from sentiment.tracking.datasets import DIGITS

REGISTERED = "models:/"


def tags(run_tags: dict[str, str]) -> dict[str, str]:
    """For a model's version: the reviews and their fingerprint, of the prepare run that its run names in its tags."""
    return {
        "reviews": reviews_of(run_tags.get("prepared_run_id")) or "not known",
        "data_fingerprint": run_tags.get("data_fingerprint", ""),
    }


def reviews_of(prepared_run_id: str | None) -> str:
    """The reviews that a prepare run read, "" if there is no such run."""
    try:
        return _reviews_of(prepared_run_id, mlflow.get_tracking_uri()) if prepared_run_id else ""
    except MlflowException:
        return ""


@cache
def _reviews_of(prepared_run_id: str, address: str) -> str:
    return str(mlflow.get_run(prepared_run_id).data.params.get("reviews", ""))


def describe(model: str, fingerprint: str) -> str:
    """A model that a parameter names, and its data, by the fingerprint in its file; of a registered one also, if newer data are others."""
    version = versions.find(model) if model.startswith(REGISTERED) else None
    name = f"version {version.version} of {version.name}" if version else model
    reviews = _reviews(version, fingerprint) if fingerprint else ""
    data = f"data {fingerprint[:DIGITS]}" if fingerprint else "no data named in its file"
    description = f"{name}, trained on {reviews or 'reviews that are not known here'} ({data})"
    newest = tracking.find_runs("prepare")
    if version and fingerprint and newest and newest[0].data.tags.get("data_fingerprint") != fingerprint:
        description += (
            f"; the newest prepared data are others, {newest[0].data.params.get('reviews')}: model=RUN scores with a model of these"
        )
    return description


def _reviews(version: ModelVersion | None, fingerprint: str) -> str:
    """As the version's tag has them, or a prepare run of the same data."""
    if version and version.tags.get("data_fingerprint") == fingerprint:
        return version.tags.get("reviews", "")
    runs = tracking.find_runs("prepare", data_fingerprint=fingerprint)
    return runs[0].data.params.get("reviews", "") if runs else ""
