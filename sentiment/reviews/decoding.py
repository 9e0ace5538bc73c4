"""Bytes as text: which encoding a file has, and where bytes stand that are no characters in it."""

import codecs
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO

from charset_normalizer import from_bytes

from sentiment.errors import UserError
from sentiment.reviews.batch import OnBytes
from sentiment.reviews.packed import Packed
from sentiment.reviews.western import is_western

MARK = "\udcff"  # stands in a text where bytes are no character; no decoder makes it
PIECE = 1 << 20
SAMPLE = 1 << 18  # bytes from lines that are not UTF-8, by which the encoding is chosen
FEW = 20  # lines to one fault, where a text is taken as damaged and not as one of another encoding
ENOUGH = 10_000  # faults after which a file is not looked through any more
# What else reviews come in. Rarer ones would make every choice unclear.
USUAL = [f"cp{page}" for page in range(1250, 1259)]
USUAL += ["iso8859_2", "koi8_r", "cp866", "cp874", "cp850", "mac_roman", "gb18030", "big5", "cp932", "euc_jp", "cp949"]
# By charset-normalizer's measures: the mess in a reading, and how much the letters are those of a language.
CLEARLY_LESS_MESS, CLEARLY_MORE_LANGUAGE, MOST_MESS = 0.1, 0.2, 0.1
SEVEN_BIT = {b"\x1b$B": "iso2022_jp", b"\x1b$@": "iso2022_jp", b"\x1b$)C": "iso2022_kr"}  # what changes to other characters there
NULLS_ON_ONE_SIDE = 3  # of each two bytes, as of UTF-16: so many times as many as on the other
NO_TABLES = ("utf-7", "unicode_escape", "raw_unicode_escape", "idna", "punycode", "undefined", "mbcs", "oem")

_local = threading.local()  # noted: where in a piece, from its end, are bytes that are no character


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    noted = getattr(_local, "noted", None)
    if noted is not None:
        noted.append((len(error.object) - error.start, error.object[error.start]))
    return MARK, error.end


codecs.register_error("sentiment.mark", _mark)


@dataclass(frozen=True)
class Decoding:
    """How a file is decoded. whole: all its bytes are characters."""

    file: Packed
    encoding: str
    whole: bool

    @contextmanager
    def open(self, on_bytes: OnBytes = lambda size: None) -> Iterator[TextIO]:
        """The text, line ends as they are, MARK where bytes are no character."""
        with self.file.open(on_bytes) as stream, io.TextIOWrapper(stream, self.encoding, "sentiment.mark", newline="") as text:
            yield text

    def __str__(self) -> str:
        name = self.encoding.removesuffix("-sig")
        return f"{self.file.packing}, {name}" if self.file.packing else name

    def faults(self) -> Iterator[str]:
        """What each MARK in the text stands for, in order."""
        with self.file.open() as stream:
            for position, byte in _faults(stream, self.encoding):
                yield f"byte {position} of the file, 0x{byte:02x}, is not {self.encoding.removesuffix('-sig')}"


def find_decoding(file: Packed, encoding: str) -> Decoding:
    """By the encoding that is named, or that is found with `auto`.

    That is UTF-16 or UTF-32 by its mark, UTF-8 also with some bytes damaged, or else the one that the text is plausible in.

    Raises:
        UserError: The encoding is not known, or several are plausible.
    """
    if encoding != "auto":
        name = _known(encoding)
        return Decoding(file, name, _is_whole(file, name))
    with file.open() as stream:
        sample = stream.read(SAMPLE)
    start = sample[:4096]
    if start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return Decoding(file, "utf-32", _is_whole(file, "utf-32"))
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Decoding(file, "utf-16", _is_whole(file, "utf-16"))
    if b"\0" in start[:4] or start.count(0) > len(start) // 10:
        raise _not_clear_with_nulls(file.path, start)
    if escaped := next((name for sign, name in SEVEN_BIT.items() if sign in sample), ""):
        raise UserError(f"The encoding is not clear. Received: {file.path}; it may be {escaped}. Give encoding=NAME.")
    valid, invalid, lines = _read_as_utf8(file)
    if valid > invalid or not invalid:
        return Decoding(file, "utf-8-sig", not invalid)
    likely, clear = _plausible(_unusual_lines(file))
    if clear and (whole := _is_whole(file, likely[0])):
        return Decoding(file, likely[0], whole)
    if invalid * FEW <= lines:
        return Decoding(file, "utf-8-sig", False)
    raise UserError(
        f"The encoding is not clear. Received: {file.path}, which is not UTF-8; it may be {' or '.join([*likely[:5], 'another'])}. "
        "Give encoding=NAME."
    )


def _not_clear_with_nulls(path: Path, start: bytes) -> UserError:
    even, odd = start[::2].count(0), start[1::2].count(0)
    if NULLS_ON_ONE_SIDE * min(even, odd) > max(even, odd):
        return UserError(f"The file is no text, or is damaged. Received: {path}, with {even + odd} null bytes at its beginning. Mend it.")
    name = "utf-16-be" if even > odd else "utf-16-le"
    return UserError(f"The encoding is not clear. Received: {path} with {start[:4]!r}. If it is text, give encoding=NAME, such as {name}.")


def _known(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
        if name.replace("-", "_") not in [each.replace("-", "_") for each in NO_TABLES] and isinstance(b" ".decode(name, "replace"), str):
            return "utf-8-sig" if name == "utf-8" else name
    except (LookupError, ValueError):
        pass
    raise UserError(f"Unknown encoding. Received: encoding={encoding}. Use a name that Python knows, such as utf-8 or cp1252.")


def _is_whole(file: Packed, encoding: str) -> bool:
    with file.open() as stream:
        return next(_faults(stream, encoding), None) is None


def _faults(stream: BinaryIO, encoding: str) -> Iterator[tuple[int, int]]:
    """(position, byte) of all that is no character."""
    for _, faults in _decoded(stream, encoding):
        yield from faults


def _decoded(stream: BinaryIO, encoding: str) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """The text by pieces, each with the positions in the stream, and the bytes, that are no characters."""
    decoder = codecs.getincrementaldecoder(encoding)("sentiment.mark")
    read = 0
    while True:
        piece = stream.read(PIECE)
        noted: list[tuple[int, int]] = []
        _local.noted = noted
        try:
            text = decoder.decode(piece, not piece)
        finally:
            _local.noted = None
        read += len(piece)
        yield text, [(read - from_end, byte) for from_end, byte in noted]
        if not piece:
            return


def _read_as_utf8(file: Packed) -> tuple[int, int, int]:
    """Numbers of characters of several bytes, of bytes that are no character, and of lines."""
    valid = invalid = lines = 0
    with file.open() as stream:
        for text, faults in _decoded(stream, "utf-8-sig"):
            invalid += len(faults)
            lines += text.count("\n")
            if not text.isascii():
                valid += len(text) - len(text.encode("ascii", "ignore")) - len(faults)
            if invalid > ENOUGH and invalid > valid:
                break
    return valid, invalid, lines


def _unusual_lines(file: Packed) -> bytes:
    """The first lines in which a byte is over 127."""
    sample = bytearray()
    with file.open() as stream:
        while len(sample) < SAMPLE and (line := stream.readline(SAMPLE)):
            if not line.isascii():
                sample += line
    return bytes(sample)


def _plausible(sample: bytes) -> tuple[list[str], bool]:
    """The encodings that the sample may be in, the likeliest first (of those that read it alike, one), and whether the first is clear."""
    if is_western(sample):
        return ["cp1252"], True
    matches = sorted(from_bytes(sample, cp_isolation=USUAL), key=lambda match: (match.chaos, -match.coherence))
    if not matches:
        return [], False
    best = matches[0]
    near = [match for match in matches if match.chaos < best.chaos + CLEARLY_LESS_MESS]
    rivals = [match for match in near if match.coherence > best.coherence - CLEARLY_MORE_LANGUAGE]
    return [match.encoding for match in near], len(rivals) == 1 and best.coherence > 0 and best.chaos < MOST_MESS
