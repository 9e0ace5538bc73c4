"""Reads HDF5 files of any origin.

An HDF5 file can point elsewhere (external and soft links, external storage, virtual datasets) and can declare more than it
holds. Here every link has to be a hard one, every dataset has to lie in the file, and its declared size is compared with what
it takes there before any memory is asked for.
"""

import math
import os
import re
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np

from sentiment.errors import UserError
from sentiment.hdf5.heaps import check_heaps
from sentiment.hdf5.probe import check_survives

SMALL = 64 << 20  # bytes that a packed dataset may have, whatever it takes in the file
MOST_PACKED = 100  # times what it takes there, if it has more; ids of real texts are packed 2 to 5 times
MOST_NAMES = 64  # strings of varying length in one attribute
MOST_DEPTH = 16
FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE}
STRING_REFERENCE = np.dtype([("length", "<u4"), ("address", "<u8"), ("index", "<u4")])
FAULTS = (OSError, RuntimeError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError, MemoryError, zlib.error)


@contextmanager
def reading(path: Path, kind: str, advice: str) -> Iterator["Group"]:
    """The root of a file. Whatever the file is or lacks, also in what is made of it in the block, raises one UserError.

    kind: what the file should be, such as "prepared data"; advice: what to do if it is not.
    """
    try:
        with regular_file(path) as raw:
            check_heaps(raw)
            check_survives(path)
            with h5py.File(raw, "r") as file:
                yield Group(file, raw, "")
    except FAULTS as error:
        reason = " ".join(str(error).split())[:300].rstrip(".") or type(error).__name__
        raise UserError(f"The file can't be read as {kind}. Received: {path}: {reason}. {advice}") from error


@contextmanager
def regular_file(path: Path) -> Iterator[BinaryIO]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # opening a FIFO would wait for a writer
    with os.fdopen(descriptor, "rb") as raw:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is no regular file")
        yield raw


class Group:
    """A group of a file that is being read. Every method raises ValueError or KeyError for what is not there or not plainly inside."""

    def __init__(self, group: h5py.Group, raw: BinaryIO, path: str) -> None:
        self._group, self._raw, self._path = group, raw, path
        self._file_size = os.fstat(raw.fileno()).st_size

    def __contains__(self, name: str) -> bool:
        return name in self.names()

    @property
    def address(self) -> int:
        """Where it stands in the file: the same, whichever link leads to it."""
        return int(h5py.h5o.get_info(self._group.id).addr)

    def names(self) -> list[str]:
        """Those of the links in it, whatever they lead to."""
        return [check_name(name) for name in self._group]

    def attributes(self) -> list[str]:
        """The names of its attributes."""
        return list(self._group.attrs)

    def group(self, path: str) -> "Group":
        return Group(self._find(path, h5py.Group), self._raw, f"{self._path}/{path}")

    def array(self, path: str, kinds: str, shape: tuple[int | None, ...] | None = (None,)) -> np.ndarray:
        """The numbers of a dataset. kinds: letters of NumPy's kinds that it may have; shape: None for any, or where any length will do."""
        dataset = self._find(path, h5py.Dataset)
        location, dtype = f"{self._path}/{path}", dataset.dtype
        if dtype.kind not in kinds:
            raise ValueError(f"{location} holds {dtype}, not numbers of kind {kinds}")
        check_shape(location, dataset.shape, shape)
        self._check_inside(dataset, location)
        size, stored = math.prod(dataset.shape) * dtype.itemsize, dataset.id.get_storage_size()
        if dataset.chunks is None:
            if size != stored:
                raise ValueError(f"{location} declares {size} bytes, and {stored} are there")
            return np.asarray(dataset[()])
        if size > max(SMALL, MOST_PACKED * stored):
            raise ValueError(f"{location} declares {size} bytes, and takes {stored}")
        return self._unpack(dataset, location)

    def locate(self, path: str) -> list[Any]:
        """Where the content of a dataset lies in the file: its chunks, or its offset and size."""
        dataset = self._find(path, h5py.Dataset)
        self._check_inside(dataset, path)
        if dataset.chunks is None:
            return [dataset.dtype, dataset.shape, dataset.id.get_offset(), dataset.id.get_storage_size()]
        chunks: list[Any] = []
        dataset.id.chunk_iter(chunks.append)
        return [dataset.dtype, dataset.shape, *chunks]

    def strings(self, path: str) -> tuple[str, ...]:
        """A list of strings of varying lengths."""
        dataset = self._find(path, h5py.Dataset)
        location, kind = f"{self._path}/{path}", dataset.id.get_type()
        if not isinstance(kind, h5py.h5t.TypeStringID) or not kind.is_variable_str() or dataset.chunks or len(dataset.shape) != 1:
            raise ValueError(f"{location} is not a list of strings")
        self._check_inside(dataset, location)
        size = dataset.shape[0] * STRING_REFERENCE.itemsize
        if not size:
            return ()
        if size != dataset.id.get_storage_size():
            raise ValueError(f"{location} declares {dataset.shape[0]} strings, and has not so many")
        references = np.frombuffer(os.pread(self._raw.fileno(), size, dataset.id.get_offset()), STRING_REFERENCE)
        total = int(references["length"].sum(dtype=np.uint64))
        if total > self._file_size:  # many may be references to the same bytes
            raise ValueError(f"{location} declares {total} bytes of strings, and the file has {self._file_size}")
        return tuple(dataset.asstr()[:])

    def text(self, name: str, default: str | None = None, pattern: str = r"(?s:.*)") -> str:
        """An attribute that is a string. pattern: what the whole of it has to match, which a default need not."""
        if name not in self._group.attrs and default is not None:
            return default
        declared = self._attribute(name)
        if declared.dtype.kind not in "OS" or math.prod(declared.shape) != 1:
            raise ValueError(f"the attribute {name} is not a string")
        value = self._group.attrs[name]
        if isinstance(value, np.ndarray):
            (value,) = value.ravel()
        text = value.decode() if isinstance(value, bytes) else str(value)
        if not re.fullmatch(pattern, text):
            raise ValueError(f"the attribute {name} is {text[:80]!r}, not of the form {pattern}")
        return text

    def number(self, name: str, default: float, low: float, high: float) -> float:
        """An attribute that is a floating-point number from low to high; the default, if it is not there."""
        if name not in self._group.attrs:
            return default
        declared = self._attribute(name)
        if declared.dtype.kind != "f" or declared.shape:
            raise ValueError(f"the attribute {name} is not a number")
        value = float(self._group.attrs[name])
        if not low <= value <= high:
            raise ValueError(f"the attribute {name} is {value:g}, not from {low:g} to {high:g}")
        return value

    def texts(self, name: str) -> list[str]:
        """An attribute that is a list of strings; none, if it is not there."""
        if name not in self._group.attrs:
            return []
        declared = self._attribute(name)
        count = math.prod(declared.shape)
        if not count:
            return []
        if len(declared.shape) != 1 or not (declared.dtype.kind == "S" or (declared.dtype.kind == "O" and count <= MOST_NAMES)):
            raise ValueError(f"the attribute {name} is not a list of strings")
        return [value.decode() if isinstance(value, bytes) else str(value) for value in self._group.attrs[name]]

    def _attribute(self, name: str) -> Any:
        """What an attribute declares, which is no more than the file has."""
        declared = self._group.attrs.get_id(name)
        if declared.shape is None:
            raise ValueError(f"the attribute {name} is empty")
        if math.prod(declared.shape) * declared.dtype.itemsize > self._file_size:
            raise ValueError(f"the attribute {name} declares more than the file has")
        return declared

    def _find(self, path: str, kind: type[Any]) -> Any:
        item, steps = self._group, path.split("/")
        if len(steps) > MOST_DEPTH:
            raise ValueError(f"{path[:100]} is too deep")
        for step in map(check_name, steps):
            if not isinstance(item, h5py.Group):
                raise KeyError(f"there is no {self._path}/{path}")
            link = item.get(step, getlink=True)
            if link is None:
                raise KeyError(f"there is no {self._path}/{path}")
            if not isinstance(link, h5py.HardLink):
                raise ValueError(f"{self._path}/{path} is a link to elsewhere")
            item = item[step]
        if not isinstance(item, kind):
            raise ValueError(f"{self._path}/{path} is not a {kind.__name__.lower()}")
        if isinstance(item, h5py.Dataset) and item.shape is None:
            raise ValueError(f"{self._path}/{path} is empty")
        return item

    def _check_inside(self, dataset: h5py.Dataset, location: str) -> None:
        if dataset.is_virtual or dataset.external:
            raise ValueError(f"{location} takes its content from another file")
        if _filters(dataset) - FILTERS:
            raise ValueError(f"{location} is packed in an unknown way")
        if dataset.id.get_storage_size() > self._file_size:
            raise ValueError(f"{location} declares more than the file has")

    def _unpack(self, dataset: h5py.Dataset, location: str) -> np.ndarray:
        """The content of a packed list of numbers. HDF5 would unpack a chunk however long it becomes."""
        if len(dataset.shape) != 1:
            raise ValueError(f"{location} is packed, and no list")
        (length,), (chunk,), dtype = dataset.shape, dataset.chunks, dataset.dtype
        size, filters = chunk * dtype.itemsize, _filters(dataset)
        if size > SMALL or dataset.id.get_num_chunks() != -(-length // chunk):
            raise ValueError(f"{location} is not all there")
        chunks: list[Any] = []
        dataset.id.chunk_iter(chunks.append)
        content = np.empty(len(chunks) * chunk, dtype)
        for info in chunks:
            packed = os.pread(self._raw.fileno(), info.size, info.byte_offset)
            at = info.chunk_offset[0]
            if info.filter_mask or at % chunk or at >= length:
                raise ValueError(f"{location} is packed in an unknown way")
            plain = zlib.decompressobj().decompress(packed, size) if h5py.h5z.FILTER_DEFLATE in filters else packed
            if len(plain) != size:
                raise ValueError(f"{location} is damaged")
            if h5py.h5z.FILTER_SHUFFLE in filters:
                plain = np.frombuffer(plain, np.uint8).reshape(dtype.itemsize, chunk).T.tobytes()
            content[at : at + chunk] = np.frombuffer(plain, dtype)
        return content[:length]


def _filters(dataset: h5py.Dataset) -> set[int]:
    """The numbers of the ways in which it is packed."""
    made = dataset.id.get_create_plist()
    return {made.get_filter(at)[0] for at in range(made.get_nfilters())}


def check_shape(what: str, shape: tuple[int, ...], expected: tuple[int | None, ...] | None) -> None:
    """Raises ValueError if a shape is not the expected one, in which None stands for any length, or for any shape."""
    if expected is not None and (len(shape) != len(expected) or any(b not in (None, a) for a, b in zip(shape, expected, strict=True))):
        raise ValueError(f"{what} has the shape {shape}, not {expected}")


def check_name(name: str) -> str:
    """The name of a layer or a dataset. Raises ValueError if it could be a path or is no name."""
    if not isinstance(name, str) or not name or len(name) > 200 or name in (".", "..") or "/" in name or not name.isprintable():
        raise ValueError(f"{str(name)[:100]!r} can't be a name")
    return name
