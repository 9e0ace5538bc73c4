"""Reviews in the layout of the aclImdb archive: `<any>/{train,test}/{pos,neg}/*.txt` and `<any>/train/unsup/*.txt`, one review a file."""

import bz2
import gzip
import io
import lzma
import re
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, cast

from sentiment.errors import UserError
from sentiment.reviews.batch import TEST, TRAIN, UNLABELLED, Batch, Heard, batched

PLACES: dict[tuple[str, ...], tuple[int, int]] = {  # label and split
    ("train", "neg"): (0, TRAIN),
    ("train", "pos"): (1, TRAIN),
    ("train", "unsup"): (-1, UNLABELLED),
    ("test", "neg"): (0, TEST),
    ("test", "pos"): (1, TEST),
}
NEIGHBOURS = 250
LONGEST = 10_000_000  # bytes of one review; beyond, the archive is not what it says it is


def place(name: str) -> tuple[int, int, int] | None:
    """(label, split, group) of a file by its path, or None if it holds no review.

    Reviews of one film have neighbouring numbers.
    """
    parts = PurePosixPath(name).parts
    if not name.endswith(".txt") or parts[-3:-1] not in PLACES:
        return None
    number = re.match(r"\d{1,9}(?=_)", parts[-1])
    return (*PLACES[parts[-3:-1]], int(number[0]) // NEIGHBOURS + 1 if number else 0)


def is_layout(folder: Path) -> bool:
    return any(place(file.absolute().as_posix()) for file in folder.rglob("*.txt"))


def read_folder(folder: Path, unlabelled: bool, heard: Heard) -> Iterator[Batch]:
    """The reviews of a folder, by the order of their names; the unlabelled ones only if wanted."""

    def rows() -> Iterator[tuple[str, int, int, int]]:
        for file in sorted(folder.rglob("*.txt")):
            found = place(file.absolute().as_posix())
            if found and (unlabelled or found[1] != UNLABELLED):
                raw = file.read_bytes()
                heard(len(raw))
                yield (_decode(raw, str(file)), *found)

    return batched(rows())


def read_archive(path: Path, unlabelled: bool, heard: Heard) -> Iterator[Batch]:
    """The reviews of a tar file (compressed or not), read as a stream; nothing is unpacked. The unlabelled
    ones only if wanted.

    Raises:
        UserError: It is no tar file, is cut off, or holds no reviews.
    """

    def rows() -> Iterator[tuple[str, int, int, int]]:
        found_any = False
        with path.open("rb") as raw, _unpacked(raw, heard) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                archive.members.clear()  # type: ignore[attr-defined]  # a stream is not gone back in, and 100,000 headers are 100 MB
                found = place(member.name)
                if not found or not member.isfile() or (found[1] == UNLABELLED and not unlabelled):
                    continue
                if member.size > LONGEST:
                    raise UserError(f"A review is too long. Received: {member.name} with {member.size} bytes. Take it out of {path}.")
                file = archive.extractfile(member)
                assert file is not None
                found_any = True
                yield (_decode(file.read(), member.name), *found)
            while stream.read(1 << 20):  # to the end, where the checksum is
                pass
        if not found_any:
            raise UserError(
                f"The archive has no reviews in aclImdb layout. Received: {path}. Give one with train/pos/*.txt and train/neg/*.txt."
            )

    try:
        yield from batched(rows())
    except (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        raise UserError(f"The archive can't be read. Received: {path}: {error}. Download or pack it again.") from error


class _Counted(io.RawIOBase):
    """A file that tells how much of it has been read."""

    def __init__(self, file: BinaryIO, heard: Heard) -> None:
        self._file, self._heard = file, heard

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._file.read(len(buffer))
        buffer[: len(piece)] = piece
        self._heard(len(piece))
        return len(piece)


def _unpacked(raw: BinaryIO, heard: Heard) -> IO[bytes]:
    """The tar stream of an archive, whatever it is compressed with."""
    mark = raw.read(6)
    raw.seek(0)
    counted = io.BufferedReader(_Counted(raw, heard), 1 << 16)
    if mark.startswith(b"\x1f\x8b"):
        return cast(IO[bytes], gzip.GzipFile(fileobj=counted))
    if mark.startswith(b"BZh"):
        return bz2.BZ2File(counted)
    return lzma.LZMAFile(counted) if mark.startswith(b"\xfd7zXZ") else counted


def _decode(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"A review is not UTF-8. Received: {name}, byte {error.start}. Convert it.") from None
