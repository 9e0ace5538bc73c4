"""What a review source is, and which reader takes it."""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sentiment.errors import UserError
from sentiment.reviews import aclimdb, tables
from sentiment.reviews.batch import Batch
from sentiment.reviews.imdb import download
from sentiment.reviews.packed import TAR_NAMES, find_packed
from sentiment.settings import PrepareSettings

ARCHIVES = (*TAR_NAMES, ".tar.gz", ".tar.bz2", ".tar.xz")


@dataclass(frozen=True)
class Source:
    """Reviews on disk.

    path: a file or a folder; read: their batches, for a callback that is called with the size of each piece read; reading: how, in words.
    """

    path: Path
    read: Callable[[Callable[[int], None]], Iterator[Batch]]
    reading: str = ""

    @property
    def files(self) -> list[Path]:
        return [self.path] if self.path.is_file() else sorted(file for file in self.path.rglob("*.txt") if file.is_file())

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(file.stat().st_size for file in self.files)

    def fingerprint(self) -> str:
        """SHA-256 of the content (of a folder: of its files' names and contents), in hexadecimal."""
        total = hashlib.sha256()
        for file in self.files:
            if self.path.is_dir():
                total.update(str(file.relative_to(self.path)).encode() + b"\0")
            with file.open("rb") as stream:
                total.update(hashlib.file_digest(stream, "sha256").digest())
        return total.hexdigest()


def find_source(settings: PrepareSettings, labelled: bool = True) -> Source:
    """The reviews that `settings.reviews` names; for `imdb`, downloaded first. Where they need not be labelled, labels are 0.

    Raises:
        UserError: There is no such file, or it is of no kind that is known.
    """
    path = download() if settings.reviews == "imdb" else Path(settings.reviews).expanduser()
    received = f"Received: reviews={settings.reviews}."
    if not os.path.exists(path):  # not Path.exists, which raises if the name is too long
        raise UserError(f"There is no such file or folder. {received} Give a table, a folder or tar.gz in aclImdb layout, or imdb.")
    if path.is_dir():
        if not aclimdb.is_layout(path):
            raise UserError(f"The folder has no reviews in aclImdb layout. {received} Give one with train/pos/*.txt and train/neg/*.txt.")
        return Source(path, lambda on_bytes: aclimdb.read_folder(path, settings.max_row, on_bytes), "a folder in aclImdb layout")
    if path.name.lower().endswith(ARCHIVES):
        archive = find_packed(path, settings.max_size)
        return Source(path, lambda on_bytes: aclimdb.read_archive(archive, settings.max_row, on_bytes), "an archive in aclImdb layout")
    table = tables.open_table(path, settings, labelled)
    return Source(path, table.read, table.rows.reading)
