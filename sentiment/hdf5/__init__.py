"""HDF5 files of any origin, of which only that is read which plainly lies in them."""

from sentiment.hdf5.reader import Group, check_name, check_shape, reading
from sentiment.hdf5.writer import writing

__all__ = ["Group", "check_name", "check_shape", "reading", "writing"]
