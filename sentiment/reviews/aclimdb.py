"""Reviews in the layout of the aclImdb archive: `<any>/{train,test}/{pos,neg}/*.txt` and `<any>/train/unsup/*.txt`, one review a file.

The films stand in lists beside the folders: line i, from 0, of `train/urls_pos.txt` is for `train/pos/i_*.txt`. In the archive
the lists come behind the reviews; so a review's group is its folder and number at first, and the last batch says which film that is.
"""

import re
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from sentiment.errors import UserError
from sentiment.reviews.batch import TEST, TRAIN, UNLABELLED, Batch, OnBytes, batched
from sentiment.reviews.packed import DAMAGE, Packed, first_line

PLACES: dict[tuple[str, ...], tuple[int, int]] = {  # label and split
    ("train", "neg"): (0, TRAIN),
    ("train", "pos"): (1, TRAIN),
    ("train", "unsup"): (-1, UNLABELLED),
    ("test", "neg"): (0, TEST),
    ("test", "pos"): (1, TEST),
}
DESCRIPTIONS = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
LONGEST_DESCRIPTION = 1 << 20  # bytes
TITLE = re.compile(r"/title/(tt\d+)")


def parse_path(name: str) -> tuple[int, int, str] | None:
    """(label, split, group) of a file by its path, or None if it holds no review. The group is the folder and number, if it has one."""
    folder, _, file = name.rpartition("/")
    known = PLACES.get(tuple(folder.split("/")[-2:]))
    if not known or not file.endswith(".txt"):
        return None
    number = re.match(r"\d{1,9}(?=_)", file)
    return (*known, f"{folder}/{int(number[0])}" if number else "")


def listed(name: str) -> str | None:
    """The folder of whose reviews a file lists the films, by its path: `train/pos` of `train/urls_pos.txt`; None if it is no list."""
    parent, _, file = name.rpartition("/")
    kind = file.removeprefix("urls_").removesuffix(".txt")
    return f"{parent}/{kind}" if file == f"urls_{kind}.txt" and (parent.rpartition("/")[2], kind) in PLACES else None


def is_layout(folder: Path) -> bool:
    return any(parse_path(file.absolute().as_posix()) for file in folder.rglob("*.txt"))


def read_folder(folder: Path, longest: int, on_bytes: OnBytes) -> Iterator[Batch]:
    """The reviews of a folder, by the order of their names.

    Raises:
        UserError: A file is not UTF-8, is no regular file, or has more bytes than `longest`.
    """

    def files() -> Iterator[tuple[str, bytes]]:
        for file in sorted(folder.rglob("*.txt")):
            name = file.absolute().as_posix()
            if parse_path(name) or listed(name):
                if not file.is_file():
                    raise UserError(f"A file is a pipe, a device or a folder. Received: {file}. Take it out.")
                _check_size(name, file.stat().st_size, longest, folder)
                content = file.read_bytes()
                on_bytes(len(content))
                yield name, content

    return _batches(files())


def read_archive(packed: Packed, longest: int, on_bytes: OnBytes) -> Iterator[Batch]:
    """The reviews of a tar file (compressed or not), read once, as a stream; nothing is unpacked.

    Raises:
        UserError: It is no tar file, is cut off, holds no reviews or unpacks to too much; or a file in it is not UTF-8, or has more
            bytes than `longest`.
    """

    def files() -> Iterator[tuple[str, bytes]]:
        any_review = False
        with packed.open(on_bytes) as stream, tarfile.open(fileobj=stream, mode="r|", tarinfo=_Member) as archive:
            for member in archive:
                archive.members.clear()  # type: ignore[attr-defined]  # a stream is not gone back in, and 100,000 headers are 100 MB
                is_review = parse_path(member.name) is not None
                if not member.isfile() or not (is_review or listed(member.name)):
                    continue
                _check_size(member.name, member.size, longest, packed.path)
                file = archive.extractfile(member)
                assert file is not None
                any_review |= is_review
                yield member.name, file.read()
            while stream.read(1 << 20):  # to the end, where the checksum is
                pass
        if not any_review:
            raise UserError(
                f"The archive has no reviews in aclImdb layout. Received: {packed.path}. Give one with train/pos/*.txt and train/neg/*.txt."
            )

    try:
        yield from _batches(files())
    except (tarfile.TarError, LookupError, *DAMAGE) as error:
        raise UserError(f"The archive can't be read. Received: {packed.path}: {first_line(error)}. Download or pack it again.") from error


class _Member(tarfile.TarInfo):
    """A file of an archive. What describes it may be as long as it likes, and is read at once: not here."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in DESCRIPTIONS and self.size > LONGEST_DESCRIPTION:
            raise tarfile.ReadError(f"what it says of one of its files has {self.size} bytes")
        return super()._proc_member(archive)  # type: ignore[misc,no-any-return]


def _batches(files: Iterable[tuple[str, bytes]]) -> Iterator[Batch]:
    """The reviews among some files (path and content); at last, a batch without any that says which film each group is.

    A review beyond the end of its list, or without a list, has no group.
    """
    lists: dict[str, list[str]] = {}  # the lines, by the folder that they are for
    groups: dict[str, None] = {}

    def rows() -> Iterator[tuple[str, int, int, str]]:
        for name, content in files:
            text = _decode(content, name)
            if review := parse_path(name):
                groups[review[2]] = None
                yield (text, *review)
            elif folder := listed(name):
                lists[folder] = text.split("\n")

    def film(group: str) -> str:
        folder, _, number = group.rpartition("/")
        lines = lists.get(folder, [])
        line = lines[int(number)].strip() if number and int(number) < len(lines) else ""
        title = TITLE.search(line)
        return title[1] if title else line

    yield from batched(rows())
    yield Batch([], [], [], [], group_names={group: film(group) for group in groups})


def _check_size(name: str, size: int, longest: int, where: Path) -> None:
    if size > longest:
        raise UserError(f"A file is too long. Received: {_printable(name)} with {size} bytes in {where}. Take it out, or give max_row.")


def _decode(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"A file is not UTF-8. Received: {_printable(name)}, byte {error.start}. Convert it.") from None


def _printable(name: str) -> str:
    return name if name.isprintable() else repr(name)
