"""MLflow's store of runs in a SQLite file, opened by one program at a time.

MLflow makes the tables of a new file without a lock, so that of two `mlflow run` in a fresh folder one failed.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


def open_store(store_uri: str, artifact_uri: str | None = None) -> Any:
    """The store of an address that begins with `sqlite:`; MLflow finds this function by the entry point in pyproject.toml."""
    from mlflow.tracking._tracking_service.utils import _get_sqlalchemy_store  # not before MLflow, which asks for this, is imported
    from sqlalchemy import make_url

    with _alone_in(Path(make_url(store_uri).database or "").parent):
        return _get_sqlalchemy_store(store_uri, artifact_uri)  # type: ignore[no-untyped-call]


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Waits for others that do the same; where there is no such folder, or its file system has no locks, it does not."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        yield
        return
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
