"""Studies in a file: Optuna's journal, a line for each change of a trial, which goes on after a power cut and knows who works on it.

A line that a process did not finish before it died is removed by the next process that gets the file's lock, before it writes.
A process that works on a study has a locked file beside the journal; the kernel drops the lock when the process dies, whatever its
host or container is called.
"""

import fcntl
import json
import logging
import os
import secrets
import weakref
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from sentiment.errors import UserError

BEGIN = b'{"op_code":'  # of each line
LONG = 1 << 16  # bytes, more than a line has
NONE = "The file does not hold studies, or is damaged. Received: storage={}. Give another file, or a new one."
log = logging.getLogger(__name__)


class Journal(JournalStorage):
    """The studies in a file, which is made if there is none.

    Raises:
        UserError: The file is something else, is damaged, or can't be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.expanduser().resolve()
        try:
            _check(self._path)
            super().__init__(JournalFileBackend(str(self._path), _MendingLock(self._path)))
        except OSError as error:
            raise UserError(f"The study's file can't be used. Received: storage={path}: {error.strerror}. Give another file.") from error
        except (ValueError, KeyError, TypeError, IndexError, AssertionError) as error:
            raise UserError(NONE.format(path)) from error

    @cached_property
    def mark(self) -> str:
        """The name of this process's lock file: other processes see by it whether this one lives."""
        name = secrets.token_hex(8)
        file = os.open(self._beside(name), os.O_CREAT | os.O_EXCL | os.O_RDONLY, 0o644)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        weakref.finalize(self, _end, file, self._beside(name))
        return name

    def is_alive(self, mark: str) -> bool:
        """Whether the process with this mark lives. The lock file of a dead one is removed."""
        try:
            file = os.open(self._beside(mark), os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return True
        _end(file, self._beside(mark))
        return False

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Waits until no other process is inside; the kernel lets the next one in when a process dies there.

        The file of the lock goes when the work inside is done without an error, so there has to be another sign that it is.
        """
        path = self._path.with_name(f"{self._path.name}.{zlib.crc32(name.encode()):08x}.lock")
        while True:
            with path.open("w") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                if _is_at(file.fileno(), path):  # or it is the file of a lock that has just been let go
                    yield
                    path.unlink(missing_ok=True)
                    return

    def _beside(self, mark: str) -> Path:
        return self._path.with_name(f"{self._path.name}.{mark}.alive")


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _end(file: int, path: Path) -> None:
    path.unlink(missing_ok=True)
    os.close(file)


class _MendingLock(JournalFileOpenLock):
    """Optuna's lock; with it comes a file of whole lines."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._path = path

    def acquire(self) -> bool:
        super().acquire()
        try:
            _mend(self._path)
        except BaseException:
            self.release()
            raise
        return True


def _check(path: Path) -> None:
    """Makes the file if there is none. Raises OSError, or ValueError if what is there was never a journal."""
    if not path.exists():
        path.touch()
    if not path.is_file():
        raise ValueError
    with path.open("rb+") as file:
        for line in file:
            if not (line.startswith(BEGIN) or (not line.endswith(b"\n") and _is_torn(line))):
                raise ValueError


def _is_torn(line: bytes) -> bool:
    """Whether this may be what a power cut leaves of a line: its begin, or zeros; or that, and what was written behind it."""
    return line.startswith(BEGIN) or BEGIN.startswith(line) or not line.strip(b"\0")


def _mend(path: Path) -> None:
    """Takes out the last line if it can't be read. Only who has the lock may do so."""
    with path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - LONG, 0))
        tail = file.read()
        if b"\n" not in tail[:-1]:
            file.seek(0)
            tail = file.read()
        last = tail[tail.rfind(b"\n", 0, -1) + 1 :]
        try:
            json.loads(last or b"{}")
            if last.endswith(b"\n") or not last:
                return
            file.write(b"\n")
        except ValueError as error:
            if not _is_torn(last):
                raise UserError(NONE.format(path)) from error
            log.warning("tune: the last line of %s was torn, as by a power cut, and is left out", path)
            file.truncate(size - len(last))
        file.flush()
        os.fsync(file.fileno())
