"""Folders of this process, which go with it, or with the next one if it was killed."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sentiment.tracking.processes import is_gone, this_process

PREFIX, OWNER = "sentiment-", "process.json"


def own_temporary_folder() -> None:
    """Lets all temporary files, also MLflow's and the trainers', lie in one folder that goes when this process ends."""
    _remove_those_of_killed_processes()
    folder = scratch()
    (Path(folder) / OWNER).write_text(this_process())
    tempfile.tempdir = folder
    os.environ["TMPDIR"] = folder


def scratch() -> str:
    """A new folder that goes when the process ends."""
    folder = tempfile.mkdtemp(prefix=PREFIX)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _remove_those_of_killed_processes() -> None:
    for owner in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{OWNER}"):
        with suppress(OSError):
            if owner.stat().st_uid == os.geteuid() and is_gone(owner.read_text()):
                shutil.rmtree(owner.parent, ignore_errors=True)


@contextmanager
def work_folder() -> Iterator[Path]:
    """A folder for files on their way to the tracking server; it lasts as long as the process."""
    yield Path(scratch())
