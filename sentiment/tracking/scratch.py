"""Folders of this process, which go with it."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def own_temporary_folder() -> None:
    """Lets all temporary files, also MLflow's and the trainers', lie in one folder that goes when this process ends."""
    folder = scratch()
    tempfile.tempdir = folder
    os.environ["TMPDIR"] = folder


def scratch() -> str:
    """A new folder that goes when the process ends."""
    folder = tempfile.mkdtemp(prefix="sentiment-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@contextmanager
def work_folder() -> Iterator[Path]:
    """A folder for files on their way to the tracking server; it lasts as long as the process."""
    yield Path(scratch())
