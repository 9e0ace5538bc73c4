"""MLflow's model registry, as far as the project uses it: versions of one model, and an alias that one of them has."""

import contextlib
import io

import mlflow
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from sentiment import tracking
from sentiment.errors import UserError
from sentiment.serving import served_model


def version_of(run_id: str, name: str) -> ModelVersion:
    """The version that a train run's model has; made if it has none yet.

    Raises:
        UserError: The run has no model that can be registered.
    """
    if not _versions(run_id, name):
        try:
            with contextlib.redirect_stderr(io.StringIO()):  # MLflow says what this command says better
                mlflow.register_model(f"runs:/{run_id}/{served_model.NAME}", name)
        except MlflowException as error:
            tracking.raise_if_away(error)
            raise UserError(
                f"The run's model can't be registered. Received: run={run_id}: {str(error)[:200]}. Give another run."
            ) from error
    first, *others = _versions(run_id, name)
    for other in others:  # another command registered the same run at the same time; both keep the first
        _delete(other)
    return first


def _versions(run_id: str, name: str) -> list[ModelVersion]:
    """Those of a run's model, the first ones first."""
    versions = MlflowClient().search_model_versions(f"name = '{name}' and run_id = '{run_id}'")
    return sorted(versions, key=lambda version: int(version.version))


def _delete(version: ModelVersion) -> None:
    try:
        MlflowClient().delete_model_version(version.name, version.version)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":  # the other command was sooner
            raise


def version_of_alias(name: str, alias: str) -> ModelVersion | None:
    """The version that has the alias."""
    try:
        return MlflowClient().get_model_version_by_alias(name, alias)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def find(address: str) -> ModelVersion | None:
    """The version that `models:/name@alias` or `models:/name/version` names; None if there is none, and for other addresses."""
    name, at, alias = address.removeprefix("models:/").partition("@")
    if at:
        return version_of_alias(name, alias)
    name, _, number = name.partition("/")
    try:
        return version(name, number) if number.isdecimal() else None
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


def set_alias(version: ModelVersion, alias: str) -> None:
    MlflowClient().set_registered_model_alias(version.name, alias, version.version)


def tag(version: ModelVersion, **tags: object) -> None:
    for key, value in tags.items():
        MlflowClient().set_model_version_tag(version.name, version.version, key, str(value)[:5000])


def describe(version: ModelVersion, text: str, about: str) -> None:
    """text: of the version, in Markdown; about: of the registered model, where nobody has described it."""
    client = MlflowClient()
    client.update_model_version(version.name, version.version, text)
    if not client.get_registered_model(version.name).description:
        client.update_registered_model(version.name, about)


def delete_tag(version: ModelVersion, key: str) -> None:
    MlflowClient().delete_model_version_tag(version.name, version.version, key)


def version(name: str, number: str) -> ModelVersion:
    return MlflowClient().get_model_version(name, number)
