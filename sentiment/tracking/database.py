"""The tracking server where it is a database: a SQLite file, or one that a server has."""

import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from urllib.parse import urlsplit

import mlflow
from mlflow.utils.file_utils import ExclusiveFileLock

from sentiment.errors import UserError
from sentiment.tracking.redaction import redacted_uri


def sqlite_file() -> str:
    """The path of the database, if it is one of SQLite."""
    address = mlflow.get_tracking_uri()
    path = urlsplit(address).path[1:] if address.startswith("sqlite:///") else ""
    return "" if path == ":memory:" else path


def is_missing() -> bool:
    """Whether it is a SQLite file that is not there, which MLflow would make when it is asked."""
    return bool(file := sqlite_file()) and not Path(file).exists()


def check_file() -> None:
    """Before MLflow makes another file, or waits.

    Raises:
        UserError: The file is named from another folder, or its folder is not there, or it can't be written.
    """
    path, received = Path(sqlite_file()), f"Received: MLFLOW_TRACKING_URI={redacted_uri()}"
    if is_missing() and not path.is_absolute() and os.environ.get("MLFLOW_RUN_ID"):
        raise UserError(
            f"The tracking database is named from another folder: `mlflow run` works in {Path.cwd()}. {received}. "
            f"Give its whole path: sqlite:////home/me/{path.name}"
        )
    if not path.parent.is_dir():
        raise UserError(f"The folder of the tracking database is not there. {received}. Make {path.parent}, or correct the path.")
    if sqlite_file() and not all(os.access(each, os.W_OK) for each in (path, path.parent) if each.exists()):  # a lock stands beside it
        raise UserError(f"The tracking database can't be written. {received}. Get the right to write it and its folder, or name another.")


def migration_lock() -> AbstractContextManager[object]:
    """For the tables that MLflow makes in a new SQLite file, which two commands at once would both make."""
    path = sqlite_file()
    return ExclusiveFileLock(f"{path}.lock") if path else nullcontext()
