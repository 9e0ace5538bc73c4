"""Writes HDF5 files, whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py


@contextmanager
def writing(path: Path) -> Iterator[h5py.File]:
    """A new file, which is there once it is whole, or not at all. Made in memory, as the HDF5 library crashes when a disk is full."""
    unfinished = path.with_suffix(".unfinished")
    with h5py.File(str(unfinished), "w", driver="core", backing_store=False) as file:
        yield file
        file.flush()
        content = file.id.get_file_image()
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
