"""Reviews in the layout of the aclImdb archive: `<any>/{train,test}/{pos,neg}/*.txt`, one review a file."""

import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from sentiment.errors import UserError
from sentiment.reviews.batch import TEST, TRAIN, Batch, batched

LABELS = {"neg": 0, "pos": 1}
SPLITS = {"train": TRAIN, "test": TEST}
LONGEST = 10_000_000  # bytes of one review; beyond, the archive is not what it says it is

Heard = Callable[[int], None]


def place(name: str) -> tuple[int, int] | None:
    """(label, split) of a file by its path, or None if it holds no labelled review."""
    parts = PurePosixPath(name).parts
    if len(parts) < 3 or not name.endswith(".txt") or parts[-2] not in LABELS or parts[-3] not in SPLITS:
        return None
    return LABELS[parts[-2]], SPLITS[parts[-3]]


def is_layout(folder: Path) -> bool:
    return any(place(file.as_posix()) for file in folder.rglob("*.txt"))


def read_folder(folder: Path, heard: Heard) -> Iterator[Batch]:
    """The reviews of a folder, by the order of their names."""

    def rows() -> Iterator[tuple[str, int, int]]:
        for file in sorted(folder.rglob("*.txt")):
            found = place(file.relative_to(folder.parent).as_posix())
            if found:
                raw = file.read_bytes()
                heard(len(raw))
                yield (_decode(raw, str(file)), *found)

    return batched(rows())


def read_archive(path: Path, heard: Heard) -> Iterator[Batch]:
    """The reviews of a tar file (compressed or not), read as a stream; nothing is unpacked.

    Raises:
        UserError: It is no tar file, is cut off, or holds no reviews.
    """

    def rows() -> Iterator[tuple[str, int, int]]:
        found_any = False
        with path.open("rb") as raw, tarfile.open(fileobj=cast(BinaryIO, _Counted(raw, heard)), mode="r|*") as archive:
            for member in archive:
                archive.members.clear()  # type: ignore[attr-defined]  # a stream is not gone back in, and 100,000 headers are 100 MB
                found = place(member.name)
                if not found or not member.isfile():
                    continue
                if member.size > LONGEST:
                    raise UserError(f"A review is too long. Received: {member.name} with {member.size} bytes. Take it out of {path}.")
                stream = archive.extractfile(member)
                assert stream is not None
                found_any = True
                yield (_decode(stream.read(), member.name), *found)
        if not found_any:
            raise UserError(
                f"The archive has no reviews in aclImdb layout. Received: {path}. Give one with train/pos/*.txt and train/neg/*.txt."
            )

    try:
        yield from batched(rows())
    except (tarfile.TarError, EOFError, OSError) as error:
        raise UserError(f"The archive can't be read. Received: {path}: {error}. Download or pack it again.") from error


class _Counted:
    """A file that tells how much of it has been read."""

    def __init__(self, file: BinaryIO, heard: Heard) -> None:
        self._file, self._heard = file, heard

    def read(self, size: int) -> bytes:
        piece = self._file.read(size)
        self._heard(len(piece))
        return piece


def _decode(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"A review is not UTF-8. Received: {name}, byte {error.start}. Convert it.") from None
