"""Reads copies of an HDF5 file of this project in which some bytes are changed: `python -m tests.fuzz_hdf5 FILE SECONDS`.

Each copy has to be read, or to be refused by a UserError; a traceback or a signal fails, but where `sentiment.hdf5.probe` would have met
it first. The reading is done by child processes.
"""

import collections
import os
import random
import select
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from sentiment.errors import UserError
from sentiment.hdf5 import probe, reader
from sentiment.hdf5.heaps import check_heaps
from sentiment.model import keras_file, model_file
from sentiment.preparation import prepared

READERS = (model_file.read, prepared.read, keras_file.read)
MOST_BYTES = 8
TIME_LIMIT = 20  # seconds for a copy
PART = 50  # copies that one child reads
READ, REFUSED, BROKE, SURVIVED = b"+", b"-", b"!", b"."


def fuzz(path: Path, tries: int, seed: int = 1) -> "collections.Counter[str]":
    """How many of so many damaged copies were `read` and `refused`, and of the latter how many `broke` libhdf5.

    Raises AssertionError with the seed if a copy breaks more than the process that is there to find that out.
    """
    counts: collections.Counter[str] = collections.Counter()
    at = seed
    while at < seed + tries:
        answers = _part(path, range(at, min(at + PART, seed + tries)))
        at += len(answers)
        counts.update(read=answers.count(READ), refused=answers.count(REFUSED) + answers.count(BROKE), broke=answers.count(BROKE))
    return counts


def damaged(content: bytes, seed: int) -> bytes:
    """The bytes with one to MOST_BYTES of them changed, or cut off."""
    chooser = random.Random(seed)
    changed = bytearray(content)
    for _ in range(chooser.randint(1, MOST_BYTES)):
        # half of the changes among the first bytes, where most of the structure is
        end = len(changed) if chooser.random() < 0.5 else min(4096, len(changed))
        changed[chooser.randrange(end)] = chooser.randrange(256)
    return bytes(changed[: chooser.randrange(len(changed))] if chooser.random() < 0.05 else changed)


def _part(path: Path, seeds: range) -> bytes:
    """A child reads copies, of which each has an answer; it ends with the first that breaks libhdf5."""
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        status = 1
        try:
            _read_all(path, seeds, writes)
            status = 0
        finally:
            os._exit(status)
    os.close(writes)
    said = b""
    with os.fdopen(reads, "rb", buffering=0) as pipe:
        while select.select([pipe], [], [], TIME_LIMIT)[0] and (more := pipe.read(2 * PART)):
            said += more
    os.kill(child, signal.SIGKILL)  # which does nothing to one that has ended
    _, ended = os.waitpid(child, 0)
    assert not said.endswith(SURVIVED), f"{path} with seed {seeds[said.count(SURVIVED) - 1]} ended with {ended}"
    answers = said.replace(SURVIVED, b"")
    return answers if len(answers) == len(seeds) else answers + BROKE


def _read_all(path: Path, seeds: range, output: int) -> None:
    reader.check_survives = lambda path: None  # type: ignore[attr-defined]  # what its process would do is done here
    content = path.read_bytes()
    first = next(reader for reader in READERS if _is_read(reader, path))
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "damaged.h5"
        for seed in seeds:
            copy.write_bytes(damaged(content, seed))
            with suppress(*reader.FAULTS), copy.open("rb") as raw:
                check_heaps(raw)
                if probe.takes_too_much(copy):
                    return
            os.write(output, SURVIVED)
            os.write(output, READ if _is_read(first, copy) else REFUSED)


def _is_read(reader: object, path: Path) -> bool:
    assert callable(reader)
    try:
        reader(path)
    except UserError:
        return False
    return True


if __name__ == "__main__":
    end, at = time.monotonic() + float(sys.argv[2]), 1
    total: collections.Counter[str] = collections.Counter()
    while time.monotonic() < end:
        total += fuzz(Path(sys.argv[1]), PART, at)
        at += PART
    print(f"{total['read']} read, {total['refused']} refused ({total['broke']} broke libhdf5), none ended otherwise")
