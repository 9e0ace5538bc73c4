"""Files as streams of bytes: unpacked if they are packed, and never more of them than a limit."""

import bz2
import gzip
import io
import lzma
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import IO, Any, BinaryIO, cast

from sentiment.errors import UserError
from sentiment.reviews.batch import OnBytes

LEAST_LIMIT, MOST_TIMES = 500_000_000, 100  # what a packed file may unpack to if not said: so many bytes, or so many times its size
MARKS = {b"\x1f\x8b": "gz", b"BZh": "bz2", b"\xfd7zXZ\0": "xz", b"PK\x03\x04": "zip", b"PK\x05\x06": "zip"}
REFUSED = {  # what else a file may begin with, and what its user can do
    b"\xd0\xcf\x11\xe0": ("an Excel workbook", "Save it as CSV (UTF-8) or Parquet"),
    b"\x28\xb5\x2f\xfd": ("packed with zstandard", "Unpack it first, or pack it with gzip"),
    b"\x04\x22\x4d\x18": ("packed with LZ4", "Unpack it first, or pack it with gzip"),
    b"\x1f\x9d": ("packed with compress", "Unpack it first, or pack it with gzip"),
    b"\x5d\0\0": ("packed as .lzma", "Unpack it first, or pack it with gzip"),
    b"Rar!": ("packed with RAR", "Unpack it first, or pack it with gzip"),
    b"7z\xbc\xaf": ("packed with 7-Zip", "Unpack it first, or pack it with gzip"),
    b"%PDF": ("a PDF", "Give a table"),
    b"\x89HDF": ("HDF5", "Give a table"),
    b"ARROW1": ("Feather", "Write it as Parquet or CSV"),
    b"ORC": ("ORC", "Write it as Parquet or CSV"),
    b"SQLite f": ("an SQLite database", "Write its table as CSV"),
    b"<!DOCTYP": ("a web page", "Give a table"),
    b"<html": ("a web page", "Give a table"),
    b"<?xml": ("XML", "Write it as CSV or JSON"),
}
ENCRYPTED = 1  # a bit of a file's flags in a zip file
TAR_NAMES, TAR_MARK = (".tar", ".tgz", ".tbz", ".tbz2", ".txz"), b"ustar"
DAMAGE = (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError)


@dataclass(frozen=True)
class Packed:
    """A file that may be packed.

    packing: gz, bz2, xz or zip, or "" if it is not; name: what it is called without that; is_parquet: by what it begins with;
    limit: bytes that it may unpack to.
    """

    path: Path
    packing: str
    name: str
    is_parquet: bool
    limit: int

    @contextmanager
    def open(self, on_bytes: OnBytes = lambda size: None) -> Iterator[BinaryIO]:
        """Its bytes, unpacked; `on_bytes` hears of what was read of the file itself.

        Raises:
            UserError: It can't be unpacked, or is more than the limit.
        """
        with ExitStack() as stack:
            raw = stack.enter_context(self.path.open("rb"))
            counted = io.BufferedReader(_Counted(raw, on_bytes), 1 << 16)
            if not self.packing:
                yield cast(BinaryIO, counted)
                return
            try:
                stream = stack.enter_context(self._unpacked(counted))
            except DAMAGE as error:
                raise _damaged(self.path, error) from error
            yield cast(BinaryIO, io.BufferedReader(_Limited(stream, self), 1 << 16))

    def _unpacked(self, file: IO[bytes]) -> IO[bytes]:
        if self.packing == "zip":
            return zipfile.ZipFile(file).open(member(self.path))
        if self.packing == "gz":
            return cast(IO[bytes], gzip.GzipFile(fileobj=file))
        return bz2.BZ2File(file) if self.packing == "bz2" else lzma.LZMAFile(file)


def find_packed(path: Path, max_size: int) -> Packed:
    """The file at that path; max_size: bytes that it may unpack to, or 0 for 100 times its size, but at least 500 million.

    Raises:
        UserError: It is no regular file or may not be read, or it is of a kind that has first to be made into another.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UserError(f"It is not a file. Received: {path}, a pipe or device. Write what comes from it to a file first.")
        with path.open("rb") as file:
            mark = file.read(8)
            size = file.seek(0, io.SEEK_END)
    except (OSError, ValueError) as error:
        raise UserError(
            f"The file may not be read. Received: {path}: {first_line(error)}. Give one that you have the right to read."
        ) from None
    refuse(path, mark)
    packing = next((packing for begins, packing in MARKS.items() if mark.startswith(begins)), "")
    limit = max_size or max(LEAST_LIMIT, MOST_TIMES * size)
    name = PurePath(member(path)).name if packing == "zip" else unpacked_name(path.name)
    return Packed(path, packing, name, mark.startswith(b"PAR1"), limit)


def refuse(path: Path, start: bytes) -> None:
    """Raises UserError if what begins like that is of a kind that has first to be made into another."""
    for begins, (what, remedy) in REFUSED.items():
        if start.startswith(begins):
            raise UserError(f"The file is {what}. Received: {path}. {remedy}.")


def check_table(file: Packed) -> None:
    """Raises UserError if what a file unpacks to is no table: packed once more, an archive, or of another kind."""
    with file.open() as stream:
        start = stream.read(512)
    if file.packing:
        refuse(file.path, start)
        if inner := next((packing for begins, packing in MARKS.items() if start.startswith(begins)), ""):
            raise UserError(f"The file is packed twice. Received: {file.path}, {inner} in {file.packing}. Unpack it first.")
    if start[257:262] == TAR_MARK or file.name.lower().endswith(TAR_NAMES):
        raise UserError(
            f"The file is an archive. Received: {file.path}. Give a table, or a folder of them; "
            "one with reviews in aclImdb layout, which prepare takes, is called .tar.gz."
        )


def unpacked_name(name: str) -> str:
    """Without the ending of a packed file."""
    return name.rpartition(".")[0] if name.lower().endswith((".gz", ".bz2", ".xz", ".zip")) else name


def member(path: Path) -> str:
    """The one file in a zip file. Raises UserError if there is none or more, or if it is a workbook."""
    try:
        with zipfile.ZipFile(path) as file:
            infos = [info for info in file.infolist() if not info.is_dir()]
    except DAMAGE as error:
        raise _damaged(path, error) from error
    names = [info.filename for info in infos]
    if any(info.flag_bits & ENCRYPTED for info in infos):
        raise UserError(f"The zip file needs a password. Received: {path}. Unpack it first.")
    if "[Content_Types].xml" in names or "mimetype" in names:
        what = "an Excel workbook" if any(name.startswith("xl/") for name in names) else "an office document"
        raise UserError(f"The file is {what}. Received: {path}. Save it as CSV (UTF-8) or Parquet.")
    names = [name for name in names if not name.startswith("__MACOSX/") and not PurePath(name).name.startswith(".")]
    if len(names) != 1:
        raise UserError(f"A zip file has to hold one table. Received: {path} with {len(names)} files. Unpack it, and give one of them.")
    return names[0]


class _Counted(io.RawIOBase):
    """A file that tells how much of it has been read."""

    def __init__(self, file: BinaryIO, on_bytes: OnBytes) -> None:
        self._file, self._on_bytes = file, on_bytes

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: Any) -> int:
        piece = self._file.read(len(buffer))
        buffer[: len(piece)] = piece
        self._on_bytes(len(piece))
        return len(piece)


class _Limited(io.RawIOBase):
    """What is unpacked, until it is too much. Raises UserError."""

    def __init__(self, stream: IO[bytes], packed: Packed) -> None:
        self._stream, self._packed, self._left = stream, packed, packed.limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            piece = self._stream.read(len(buffer))
        except DAMAGE as error:
            raise _damaged(self._packed.path, error) from error
        self._left -= len(piece)
        if self._left < 0:
            raise too_much(self._packed.path, self._packed.limit)
        buffer[: len(piece)] = piece
        return len(piece)


def too_much(path: Path, limit: int) -> UserError:
    return UserError(
        f"The file unpacks to too much. Received: {path}, over {limit} bytes. If it is what you mean to read, give max_size=BYTES."
    )


def _damaged(path: Path, error: BaseException) -> UserError:
    return UserError(f"The packed file can't be read. Received: {path}: {first_line(error)}. Download or pack it again.")


def first_line(error: BaseException) -> str:
    """What an error says, short enough for a line of ours."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")[:200]
