"""HDF5 files that are damaged, or none: each is refused in one line, and libhdf5 does not end the process."""

import os
import struct
from pathlib import Path

import h5py
import numpy as np
import onnx
import pytest

from sentiment import hdf5
from sentiment.errors import UserError
from sentiment.model import model_file
from sentiment.paths import PROJECT
from sentiment.registry import find_model
from tests.fuzz_hdf5 import damaged, fuzz

FIXTURES = PROJECT / "tests" / "fixtures"
MODEL, OLD = FIXTURES / "default-bilstm.h5", FIXTURES / "old-lstm.h5"


def test_what_is_no_file_of_its_own_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.h5")
    for path in (tmp_path / "fifo.h5", Path("/dev/zero"), tmp_path, tmp_path / "none.h5"):
        with pytest.raises(UserError):
            model_file.read(path)
        assert not model_file.is_ours(path)
    for path, kind in ((tmp_path / "fifo.h5", "a pipe or a device"), (tmp_path, "a folder")):
        with pytest.raises(UserError, match=f"A model is one file. Received: model={path}, which is {kind}"):
            find_model.find(str(path))


def test_a_packed_list_is_what_was_written(tmp_path: Path) -> None:
    numbers = np.random.default_rng(1).integers(-5, 5, 1000).astype(np.int32)
    with h5py.File(tmp_path / "lists.h5", "w") as file:
        for length in (0, 1, 64, 65, 1000):
            for filters in ({"compression": "gzip"}, {"compression": "gzip", "shuffle": True}, {}):
                file.create_dataset(f"{length} {len(filters)}", data=numbers[:length], chunks=(64,), maxshape=(None,), **filters)
    with hdf5.reading(tmp_path / "lists.h5", "lists", "") as group:
        for name in group.names():
            np.testing.assert_array_equal(group.array(name, "i"), numbers[: int(name.split()[0])])


def test_damaged_bytes_end_in_a_line(small: Path) -> None:
    """In a process of its own: libhdf5 could end it. `python -m tests.fuzz_hdf5 FILE SECONDS` does more of them."""
    for path in (MODEL, OLD, small):
        counts = fuzz(path, tries=150)
        assert counts["refused"] > 20
        assert counts["read"] + counts["refused"] == 150


def test_the_libraries_that_read_are_those_without_known_holes() -> None:
    """libhdf5 before 1.14.6 overflows on malformed files, onnx before 1.21 follows links to external data."""
    assert h5py.version.hdf5_version_tuple >= (1, 14, 6)
    assert tuple(map(int, onnx.__version__.split(".")[:2])) >= (1, 21)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (0, 8), (9, 2**64 - 20)])
def test_strings_that_libhdf5_would_step_through_for_ever(tmp_path: Path, index: int, size: int) -> None:
    content, copy = bytearray(MODEL.read_bytes()), tmp_path / "loop.h5"
    at = content.index(b"GCOL\x01") + 16
    content[at : at + 16] = struct.pack("<HH4xQ", index, 1, size)
    copy.write_bytes(content)
    with pytest.raises(UserError, match=r"strings at \d+ are damaged"):
        model_file.read(copy)


def test_a_file_that_breaks_libhdf5_ends_in_a_line(tmp_path: Path) -> None:
    """Seed 4826 makes libhdf5 2.0 read a string where there is none, which ends a process with a signal."""
    copy = tmp_path / "broken.h5"
    copy.write_bytes(damaged(MODEL.read_bytes(), 4826))
    with pytest.raises(UserError, match="can't be read as a sentiment model"):
        model_file.read(copy)
