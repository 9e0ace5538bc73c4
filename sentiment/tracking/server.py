"""The tracking server: whether it is there and can be used, and how long it is waited for."""

import errno
import logging
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import mlflow
import requests
from mlflow import MlflowClient
from mlflow.entities import Experiment, LifecycleStage
from mlflow.exceptions import MlflowException
from mlflow.tracking.fluent import _get_experiment_id  # MLflow has no public way to ask
from mlflow.utils.credentials import get_default_host_creds
from mlflow.utils.file_utils import ExclusiveFileLock
from mlflow.utils.rest_utils import http_request
from packaging.version import InvalidVersion, Version
from sqlalchemy.exc import SQLAlchemyError

from sentiment.errors import StepError, UserError

OLDEST = "3.0"  # logged models, which registered ones are made of
# Where the user says nothing else: a request that fails is over within three quarters of a minute, not four minutes.
PATIENCE = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",
}
QUIET = {"MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}
CHATTY = ("alembic", "py4j.clientserver", "mlflow.tracking.fluent", "mlflow.models.evaluation.validation")
HARMLESS = ("mlflow.models.evaluation", "mlflow.tracking._model_registry.fluent", "mlflow.pyfunc", "urllib3.connectionpool")
TOLD = ("mlflow.store.db.utils",)  # with a traceback, what it raises, too
PASSING = ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED", "IO_ERROR")
LASTING = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM)  # a full disk, or one that can't be written
PROBE = 5  # seconds
EXPERIMENT, MLFLOWS_OWN = "sentiment", "Default"  # where runs are begun if the user names no experiment; where `mlflow run` does
KIND, TRAINING = "mlflow.experimentKind", "custom_model_development"  # the tag that lets MLflow's pages open in their training mode


class ServerAwayError(StepError):
    """The tracking server does not answer."""


def where() -> str:
    """The tracking server's address, without a password."""
    return hide(mlflow.get_tracking_uri())


def location() -> str:
    """The experiment and the server's address, in words."""
    return f"experiment {experiment_name()} of {where()}"


def hide(text: str) -> str:
    """A text without the passwords that it may have of the server's address and login."""
    secrets = [os.environ.get(name, "") for name in ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")]
    login, at, _ = os.environ.get("MLFLOW_TRACKING_URI", "").partition("://")[2].rpartition("@")
    if at:
        password = login.partition(":")[2]
        secrets += [password, unquote(password)]
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return re.sub(r"://([^\s/:@]*):[^\s/]+@", r"://\1:***@", text)


def is_passing(error: BaseException) -> bool:
    """Whether the error is one of a server that is away, hangs or is overloaded, so that the same may do later."""
    if isinstance(error, MlflowException):
        return error.error_code in PASSING
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return error.response.status_code >= 500 or error.response.status_code in (408, 429)
    return isinstance(error, OSError) and error.errno not in LASTING


def raise_if_away(error: BaseException) -> None:
    """Raises ServerAwayError where an error came of that; whatever else it is, is the caller's to tell."""
    if not is_passing(error):
        return
    received = f"Received: MLFLOW_TRACKING_URI={where()}: {short(error)}"
    if not answers():
        raise ServerAwayError(f"The tracking server does not answer. {received}. Try again later.") from error
    if isinstance(error.__cause__, SQLAlchemyError):
        raise ServerAwayError(f"The tracking database can't be used. {received}. See that it has room and can be written.") from error


@contextmanager
def telling_if_away() -> Iterator[None]:
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
        _get("/health", timeout=PROBE)
    except Exception:
        return False
    return True


def experiment_id() -> str:
    """That of the active run, or of the environment. Raises UserError if the environment names two, or a deleted one."""
    try:
        return str(_get_experiment_id())
    except MlflowException as error:
        raise_if_away(error)
        raise UserError(f"There is no such experiment. {_environment()}: {short(error)}. Name one that {where()} has.") from error


def experiment_ids() -> list[str]:
    """Where runs are looked for: the present experiment. Those of a user who names none count as one, also where `mlflow run` began."""
    present, unnamed = experiment_id(), (EXPERIMENT, MLFLOWS_OWN)
    if is_named():
        return [present]
    others = (MlflowClient().get_experiment_by_name(name) for name in unnamed if name != experiment_name())
    return [present, *(other.experiment_id for other in others if other and _is_active(other))]


def experiment_name() -> str:
    return str(experiment(experiment_id(), mlflow.get_tracking_uri()).name)


def is_named() -> bool:
    """Whether the user named the experiment."""
    return experiment_name() not in (EXPERIMENT, MLFLOWS_OWN)


@cache
def experiment(number: str, address: str) -> Experiment:
    """As it was when first asked for."""
    return MlflowClient(address).get_experiment(number)


def check_server() -> None:
    """Before the long work: whether the server answers, takes the login, is new enough, and takes runs in the experiment.

    Also quiets MLflow, and bounds how long it tries, where the user has not said it.

    Raises:
        UserError: It does not.
    """
    _settle()
    with _telling_what_is_wrong(), _migration_lock():
        _check_version()
        found = experiment(_experiment_of_any_maker(), mlflow.get_tracking_uri())
    _check_active(found)
    if KIND not in found.tags:
        with suppress(Exception):  # a login that may log runs, and not this
            MlflowClient().set_experiment_tag(found.experiment_id, KIND, TRAINING)


def look() -> str | None:
    """Where runs would be tracked, in words; None for a database that no run has made yet. Makes nothing; raises as `check_server`."""
    _settle()
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "")
    if (file := _sqlite_file()) and not Path(file).exists():
        return None
    with _telling_what_is_wrong():
        _check_version()
        found = MlflowClient().get_experiment_by_name(name) if name else experiment(experiment_id(), mlflow.get_tracking_uri())
        version = server_version()
    if found:
        _check_active(found)
    shown = found.name if found else f"{name}, which the first run makes,"
    return f"experiment {shown} of {where()}, MLflow {version}"


@contextmanager
def _telling_what_is_wrong() -> Iterator[None]:
    """Whatever goes wrong in it with the server is a UserError."""
    received = f"Received: MLFLOW_TRACKING_URI={where()}"
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # whatever an unknown kind of store raises
        if isinstance(error, MlflowException) and error.error_code in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
            raise UserError(
                f"The tracking server does not take the login. {received}: {short(error)}. "
                "Correct the name and the password in it, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD."
            ) from error
        if isinstance(error, MlflowException) and not is_passing(error):
            raise UserError(f"There is no such experiment. {_environment()}: {short(error)}. Name one that {where()} has.") from error
        raise UserError(f"The tracking server does not answer. {received}: {short(error)}. Start it, or correct it.") from error


def _check_active(found: Experiment) -> None:
    if not _is_active(found):
        raise UserError(
            f"The experiment is deleted. Received: {found.name} (id {found.experiment_id}) on {where()}. "
            "Restore it (mlflow experiments restore), or name another in MLFLOW_EXPERIMENT_NAME."
        )


def _is_active(found: Experiment) -> bool:
    return bool(found.lifecycle_stage == LifecycleStage.ACTIVE)


def _experiment_of_any_maker() -> str:
    """The present experiment's number; one that is not there yet is made, by this command or by one beside it."""
    try:
        return str(_get_experiment_id())
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return str(_get_experiment_id())


def _settle() -> None:
    for name, value in (PATIENCE | QUIET).items():
        os.environ.setdefault(name, value)
    if not any(os.environ.get(f"MLFLOW_{name}") for name in ("EXPERIMENT_ID", "EXPERIMENT_NAME", "RUN_ID")):
        os.environ["MLFLOW_EXPERIMENT_NAME"] = EXPERIMENT
    for names, level in ((CHATTY, logging.WARNING), (HARMLESS, logging.ERROR), (TOLD, logging.CRITICAL)):
        for name in names:
            logging.getLogger(name).setLevel(level)
    warnings.filterwarnings("ignore", module="mlflow")


def server_version() -> str:
    """That of the server's MLflow; of a database, of the one here."""
    return _get("/version").text.strip().strip('"')[:20] if mlflow.get_tracking_uri().startswith("http") else str(mlflow.__version__)


def _check_version() -> None:
    if not mlflow.get_tracking_uri().startswith("http"):
        return
    response = _get("/version")
    try:
        version = Version(response.text.strip().strip('"'))
    except InvalidVersion:  # not MLflow's own server
        return
    if response.ok and version < Version(OLDEST):
        received = f"Received: MLFLOW_TRACKING_URI={where()}, MLflow {version}"
        raise UserError(f"The tracking server is too old. {received}. Have it brought to MLflow {OLDEST} or later.")


def _get(path: str, **options: Any) -> requests.Response:
    creds = get_default_host_creds(mlflow.get_tracking_uri())  # type: ignore[no-untyped-call]
    response: requests.Response = http_request(creds, path, "GET", max_retries=0, **options)  # type: ignore[no-untyped-call]
    return response


def _migration_lock() -> AbstractContextManager[object]:
    """For the tables that MLflow makes in a new SQLite file, which two commands at once would both make."""
    path = _sqlite_file()
    return ExclusiveFileLock(f"{path}.lock") if path else nullcontext()


def _sqlite_file() -> str:
    """The path of the tracking database, if it is one of SQLite."""
    address = mlflow.get_tracking_uri()
    path = urlsplit(address).path[1:] if address.startswith("sqlite:///") else ""
    return "" if path == ":memory:" else path


def _environment() -> str:
    names = ("MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_ID")
    given = ", ".join(f"{name}={os.environ[name]}" for name in names if os.environ.get(name))
    return f"Received: {given or 'the default experiment'}"


def short(error: BaseException) -> str:
    """What it says in one line, without the traceback and the statement that MLflow puts into its own."""
    text = re.sub(r"\(raised as a result of Query-invoked autoflush;[^)]*\)", "", hide(str(error)))  # SQLAlchemy's advice to programmers
    return " ".join(re.split(r"\n *(?:\(Background|\[SQL|Traceback)", text)[0].split())[:200]
