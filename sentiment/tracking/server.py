"""The tracking server: whether it is there and can be used, and how long it is waited for."""

import errno
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

import mlflow
import requests
from mlflow import MlflowClient
from mlflow.entities import Experiment, LifecycleStage
from mlflow.exceptions import MlflowException
from mlflow.tracking import fluent
from mlflow.utils.credentials import get_default_host_creds
from mlflow.utils.rest_utils import http_request
from mlflow.utils.server_info import fetch_server_info
from packaging.version import InvalidVersion, Version
from sqlalchemy.exc import SQLAlchemyError

from sentiment.database_server import connect_once
from sentiment.errors import StepError, UserError
from sentiment.libraries import EXPERIMENT
from sentiment.tracking import database
from sentiment.tracking.redaction import one_line, redacted_uri

OLDEST = "3.0"  # logged models, which registered ones are made of
TRANSIENT = ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED", "IO_ERROR")
PERMANENT = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM)  # a full disk, or one that can't be written
HEALTH_TIMEOUT = 5  # seconds
NAMED_BY = ("MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_ID")
MLFLOWS_OWN = "Default"  # where `mlflow run` begins runs if the user names no experiment
KIND, TRAINING = "mlflow.experimentKind", "custom_model_development"  # the tag that lets MLflow's pages open in their training mode


class ServerAwayError(StepError):
    """The tracking server does not answer."""


def location() -> str:
    """The experiment and the server's address, in words."""
    return f"experiment {experiment_name()} of {redacted_uri()}"


def is_transient(error: BaseException) -> bool:
    """Whether the error is one of a server that is away, hangs or is overloaded, so that the same may do later."""
    if isinstance(error, MlflowException):
        return error.error_code in TRANSIENT
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return error.response.status_code >= 500 or error.response.status_code in (408, 429)
    return isinstance(error, OSError) and error.errno not in PERMANENT


def raise_if_away(error: BaseException) -> None:
    """Raises ServerAwayError where an error came of that; whatever else it is, is the caller's to tell."""
    if not is_transient(error):
        return
    received = f"Received: MLFLOW_TRACKING_URI={redacted_uri()}: {one_line(error)}"
    if not answers():
        raise ServerAwayError(f"The tracking server does not answer. {received}. Try again later.") from error
    if isinstance(error.__cause__, SQLAlchemyError):
        raise ServerAwayError(f"The tracking database can't be used. {received}. See that it has room and can be written.") from error


@contextmanager
def raising_if_away() -> Iterator[None]:
    """Whatever MLflow raises in it because the server does not answer is a ServerAwayError."""
    try:
        yield
    except (MlflowException, requests.RequestException) as error:
        raise_if_away(error)
        raise


def answers() -> bool:
    """Whether the server answers at all, within seconds; True for a database."""
    if not mlflow.get_tracking_uri().startswith("http"):
        return True
    try:
        _get("/health", timeout=HEALTH_TIMEOUT)
    except Exception:
        return False
    return True


def experiment_id() -> str:
    """That of the active run, or of the environment. The server is asked once, so that a run can end without it.

    Raises:
        UserError: The environment names two, or a deleted one.
    """
    try:
        return _experiment_id()
    except MlflowException as error:
        raise_if_away(error)
        raise UserError(f"There is no such experiment. {_environment()}: {one_line(error)}. Name one that {redacted_uri()} has.") from error


def _experiment_id() -> str:
    return _asked(mlflow.get_tracking_uri(), fluent._active_experiment_id, *map(os.environ.get, NAMED_BY))


@cache
def _asked(*depends_on: str | None) -> str:
    known = None if fluent._active_experiment_id or os.environ.get("MLFLOW_EXPERIMENT_ID") else _named(mlflow.get_tracking_uri())
    return str(known.experiment_id if known else fluent._get_experiment_id())  # MLflow has no public way to ask


def experiment_ids() -> list[str]:
    """Where runs are looked for: the present experiment. Those of a user who names none count as one, also where `mlflow run` began."""
    present, unnamed = experiment_id(), (EXPERIMENT, MLFLOWS_OWN)
    if is_named():
        return [present]
    others = (_experiment_named(name, mlflow.get_tracking_uri()) for name in unnamed if name != experiment_name())
    return [present, *(other.experiment_id for other in others if other and _is_active(other))]


@cache
def _experiment_named(name: str, address: str) -> Experiment | None:
    """As it was when first asked for."""
    return MlflowClient(address).get_experiment_by_name(name)


def _named(address: str) -> Experiment | None:
    """What the environment names, if it is there."""
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME")
    return _experiment_named(name, address) if name else None


def experiment_name() -> str:
    return str(experiment(experiment_id(), mlflow.get_tracking_uri()).name)


def is_named() -> bool:
    """Whether the user named the experiment."""
    return experiment_name() not in (EXPERIMENT, MLFLOWS_OWN)


@cache
def experiment(number: str, address: str) -> Experiment:
    """As it was when first asked for."""
    known = _named(address)
    return known if known and known.experiment_id == number else MlflowClient(address).get_experiment(number)


def check_server() -> None:
    """Before the long work: whether the server answers, takes the login, is new enough, and takes runs in the experiment.

    Raises:
        UserError: It does not.
    """
    database.check_file()
    with _user_errors(), database.migration_lock():
        connect_once(mlflow.get_tracking_uri())
        _ask_together()
        experiment_now = experiment(_find_or_create_experiment(), mlflow.get_tracking_uri())
    _check_active(experiment_now)
    if KIND not in experiment_now.tags:
        with suppress(Exception):  # a login that may log runs, and not this
            MlflowClient().set_experiment_tag(experiment_now.experiment_id, KIND, TRAINING)


def _ask_together() -> None:
    """Checks the version, and asks for the experiments that are needed soon: a server may take seconds for each question."""
    address, name = mlflow.get_tracking_uri(), os.environ.get("MLFLOW_EXPERIMENT_NAME")
    if not address.startswith("http"):
        return
    unnamed = (EXPERIMENT, MLFLOWS_OWN)
    with ThreadPoolExecutor() as pool:
        version = pool.submit(_check_version)
        pool.submit(fetch_server_info, get_default_host_creds(address))  # type: ignore[no-untyped-call]  # MLflow asks before a download
        experiments = [pool.submit(_experiment_named, each, address) for each in (unnamed if name in unnamed else filter(None, [name]))]
    version.result()
    for each in experiments:
        each.result()


def existing_location() -> str | None:
    """Where runs would be tracked, in words; None for a database that no run has made yet. Makes nothing; raises as `check_server`."""
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "")
    if database.is_missing():
        return None
    with _user_errors():
        connect_once(mlflow.get_tracking_uri())
        _check_version()
        named = MlflowClient().get_experiment_by_name(name) if name else experiment(experiment_id(), mlflow.get_tracking_uri())
        version = server_version()
    if named:
        _check_active(named)
    shown = named.name if named else f"{name}, which the first run makes,"
    return f"experiment {shown} of {redacted_uri()}, MLflow {version}"


@contextmanager
def _user_errors() -> Iterator[None]:
    """Whatever goes wrong in it with the server is a UserError."""
    received = f"Received: MLFLOW_TRACKING_URI={redacted_uri()}"
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # whatever an unknown kind of store raises
        if "out-of-date database schema" in str(error):
            raise UserError(
                f"The tracking database is of another version of MLflow. {received}. "
                f"Make a copy of it, then say: mlflow db upgrade {redacted_uri()}"
            ) from error
        if "disk is full" in str(error):
            raise UserError(f"The disk of the tracking database is full. {received}. Make room.") from error
        if isinstance(error, MlflowException) and error.error_code in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
            raise UserError(
                f"The tracking server does not take the login. {received}: {one_line(error)}. "
                "Correct the name and the password in it, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD."
            ) from error
        if isinstance(error, MlflowException) and not is_transient(error):
            raise UserError(
                f"There is no such experiment. {_environment()}: {one_line(error)}. Name one that {redacted_uri()} has."
            ) from error
        if database.sqlite_file():
            raise UserError(
                f"The tracking database can't be used. {received}: {one_line(error)}. Correct its path; or, if it is new, remove it (two "
                "`mlflow run` at once may leave it half made); or put a copy in its place."
            ) from error
        if "valid JSON" in str(error):
            raise UserError(f"What answers is not MLflow's server. {received}: {one_line(error)}. Correct the address.") from error
        raise UserError(f"The tracking server does not answer. {received}: {one_line(error)}. Start it, or correct it.") from error


def _check_active(each: Experiment) -> None:
    if not _is_active(each):
        raise UserError(
            f"The experiment is deleted. Received: {each.name} (id {each.experiment_id}) on {redacted_uri()}. "
            "Restore it (mlflow experiments restore), or name another in MLFLOW_EXPERIMENT_NAME."
        )


def _is_active(each: Experiment) -> bool:
    return bool(each.lifecycle_stage == LifecycleStage.ACTIVE)


def _find_or_create_experiment() -> str:
    """The id of the present experiment, which is made if there is none; another command may make it at the same time."""
    try:
        return _experiment_id()
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return _experiment_id()


def server_version() -> str:
    """That of the server's MLflow; of a database, of the one here."""
    return _get("/version").text.strip().strip('"')[:20] if mlflow.get_tracking_uri().startswith("http") else str(mlflow.__version__)


def _check_version() -> None:
    """Of a server; a database is made by MLflow itself."""
    if not mlflow.get_tracking_uri().startswith("http"):
        return
    response = _get("/version")
    try:
        version = Version(response.text.strip().strip('"'))
    except InvalidVersion:  # not MLflow's own server
        return
    if response.ok and version < Version(OLDEST):
        received = f"Received: MLFLOW_TRACKING_URI={redacted_uri()}, MLflow {version}"
        raise UserError(f"The tracking server is too old. {received}. Have it brought to MLflow {OLDEST} or later.")


def _get(path: str, **options: Any) -> requests.Response:
    creds = get_default_host_creds(mlflow.get_tracking_uri())  # type: ignore[no-untyped-call]
    response: requests.Response = http_request(creds, path, "GET", max_retries=0, **options)  # type: ignore[no-untyped-call]
    return response


def _environment() -> str:
    values = ", ".join(f"{name}={os.environ[name]}" for name in NAMED_BY if os.environ.get(name))
    return f"Received: {values or 'the default experiment'}"
