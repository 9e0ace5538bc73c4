"""The strings of an HDF5 file, looked at before libhdf5 reads them.

Strings of varying length lie in global heap collections (HDF5 File Format Specification 3.0, III.E). libhdf5 2.0 steps from one of
their objects to the next by sizes that it does not check: free space of size 0 keeps it in one place for ever, with Python locked out.
"""

import mmap
import struct
from typing import BinaryIO

COLLECTION = b"GCOL\x01"  # with its version, the only one
OBJECT = struct.Struct("<HH4xQ")  # index, 0 for what is free; references; size
LENGTH_SIZES = {0: 14, 1: 14, 2: 10, 3: 10}  # where the superblock of each version has the bytes that a length takes
SUPERBLOCK = b"\x89HDF\r\n\x1a\n"


def check_heaps(raw: BinaryIO) -> None:
    """Raises ValueError if a collection of strings in the file is not whole, or lengths are not of 8 bytes."""
    if not raw.seek(0, 2):
        raise ValueError("it is empty")
    with mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ) as content:
        version = content[8] if content[:8] == SUPERBLOCK else -1
        if version not in LENGTH_SIZES or len(content) < 64 or content[LENGTH_SIZES[version]] != 8:
            raise ValueError("it does not begin as an HDF5 file")
        at = content.find(COLLECTION)
        while at >= 0:
            _check_collection(content, at)
            at = content.find(COLLECTION, at + 1)


def _check_collection(content: mmap.mmap, at: int) -> None:
    size = int.from_bytes(content[at + 8 : at + 16], "little")
    position, end = at + 16, at + size
    if size < 16 or end > len(content):
        raise ValueError(f"its strings at {at} are not all there")
    while position + OBJECT.size <= end:
        index, _, length = OBJECT.unpack_from(content, position)
        step = OBJECT.size + (length + 7) // 8 * 8 if index else length
        if step < OBJECT.size or position + step > end:
            raise ValueError(f"its strings at {at} are damaged")
        position += step
