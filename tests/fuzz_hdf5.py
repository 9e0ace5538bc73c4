"""Reads copies of an HDF5 file of this project in which some bytes are changed: `python -m tests.fuzz_hdf5 FILE SECONDS`.

Each copy has to be read, or to be refused by a UserError; a traceback or a signal fails. The reading is done by child processes.
"""

import collections
import os
import random
import select
import signal
import sys
import tempfile
import time
from pathlib import Path

from sentiment.errors import UserError
from sentiment.model import keras_file, model_file
from sentiment.preparation import prepared

READERS = (model_file.read, prepared.read, keras_file.read)
MOST_BYTES = 8
TIME_LIMIT = 60  # seconds for a copy
PART = 50  # copies that one child reads
READ, REFUSED = b"+", b"-"


def fuzz(path: Path, tries: int, seed: int = 1) -> "collections.Counter[str]":
    """How many of so many damaged copies were `read` and `refused`. Raises AssertionError with the seed that shows what went wrong."""
    counts: collections.Counter[str] = collections.Counter()
    for begin in range(seed, seed + tries, PART):
        answers = _part(path, range(begin, min(begin + PART, seed + tries)))
        counts.update(read=answers.count(READ), refused=answers.count(REFUSED))
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
    """A child reads the copies, and writes a byte for each."""
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
    answers = b""
    with os.fdopen(reads, "rb", buffering=0) as pipe:
        while select.select([pipe], [], [], TIME_LIMIT)[0] and (part := pipe.read(PART)):
            answers += part
    if len(answers) < len(seeds):
        os.kill(child, signal.SIGKILL)  # which does nothing to one that has ended
    _, ended = os.waitpid(child, 0)
    assert not ended, f"{path} with seed {seeds[min(len(answers), len(seeds) - 1)]} ended with {ended}"
    return answers


def _read_all(path: Path, seeds: range, output: int) -> None:
    content = path.read_bytes()
    first = next(reader for reader in READERS if _is_read(reader, path))
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "damaged.h5"
        for seed in seeds:
            copy.write_bytes(damaged(content, seed))
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
    print(f"{total['read']} read, {total['refused']} refused, none ended otherwise")
