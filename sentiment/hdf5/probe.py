"""Whether libhdf5 survives a file, which a process of its own finds out.

libhdf5 trusts what it reads: of damaged bytes some end it with a signal, and some keep it busy for ever with Python locked out.
"""

import os
import resource
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py

CPU_SECONDS = 10  # and one for each BYTES_PER_SECOND
BYTES_PER_SECOND = 20_000_000
ADDRESSES = 4 << 30  # bytes of address space
MEMORY = 256 << 20  # bytes that reading may take, and four times the file's size
TOO_MUCH = 3  # the exit status of a process that took more
_survived: set[tuple[int, int, int, int]] = set()


def check_survives(path: Path) -> None:
    """Raises ValueError if reading the file's structure and strings ends a process, or takes it too long. Each file is tried once."""
    about = path.stat()
    key = (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns)
    if key in _survived:
        return
    folders = [str(Path(__file__).resolve().parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(folders), "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-P", "-c", "from sentiment.hdf5.probe import run; run()", str(path)]
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode < 0:
        raise ValueError(f"it is damaged: reading it ends with {signal.Signals(-done.returncode).name}")
    if done.returncode == TOO_MUCH:
        raise ValueError("it is damaged: reading it takes much more memory than it has bytes")
    if done.returncode:
        raise OSError(f"it could not be tried: {done.stderr.decode(errors='replace').strip()[-200:]}")
    _survived.add(key)


def takes_too_much(path: Path) -> bool:
    """Whether a visit takes much more memory than the file has bytes, where this process did not have it before."""
    before = _peak()
    visit(path)
    return _peak() - before > MEMORY + 4 * path.stat().st_size


def visit(path: Path) -> None:
    """Has libhdf5 read all that it is ever asked for: groups, attributes, strings, where numbers lie. What Python can catch is ignored."""
    from sentiment.hdf5.reader import FAULTS, Group, regular_file

    with suppress(*FAULTS), regular_file(path) as raw, h5py.File(raw, "r") as file:
        _visit(Group(file, raw, ""), FAULTS, set())


def _visit(group: Any, faults: tuple[type[Exception], ...], visited: set[int]) -> None:
    """visited: the addresses of groups, to which many links may lead, or one from inside."""
    if group.address in visited:
        return
    visited.add(group.address)

    def visit_group(name: str) -> None:
        _visit(group.group(name), faults, visited)

    for names, reads in ((group.attributes, (group.text, group.texts)), (group.names, (group.locate, group.strings, visit_group))):
        for name in names():
            for read in reads:
                with suppress(*faults):
                    read(name)


def run() -> None:
    """The process that finds it out: `sys.argv` has the file."""
    size = os.stat(sys.argv[1]).st_size
    seconds = CPU_SECONDS + size // BYTES_PER_SECOND
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(TOO_MUCH if takes_too_much(Path(sys.argv[1])) else 0)


def _peak() -> int:
    """The most memory that this process had so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
