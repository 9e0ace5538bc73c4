"""Reads HDF5 files of any origin, only what is stored in the file itself, and writes them."""

from sentiment.hdf5.reader import Group, check_name, check_shape, reading
from sentiment.hdf5.writer import writing

__all__ = ["Group", "check_name", "check_shape", "reading", "writing"]
