"""Rows of a table, whatever it is kept in: text with separators (CSV, TSV, `|`), JSON lines or Parquet. A header is needed."""

import codecs
import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from sentiment.errors import UserError
from sentiment.reviews.batch import BATCH_SIZE, Heard

PACKED = (b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")  # gzip, zip, bzip2, xz, zstandard
SEPARATORS = ("|", "\t", ";", ",")
ENDINGS = {".jsonl": "json", ".ndjson": "json", ".json": "json", ".parquet": "parquet", ".pq": "parquet"}

NAMING = 1000  # JSON lines that are looked through for column names

csv.field_size_limit(10_000_000)


class Row(NamedTuple):
    """A row by its number (from 1), with a value for each column; or with what is wrong with it."""

    number: int
    values: list[Any]
    problem: str = ""


@dataclass(frozen=True)
class Rows:
    """names: the columns; read: the rows, given a callback that hears of each piece of bytes read.

    separator: of text; schema: of Parquet.
    """

    names: list[str]
    read: Callable[[Heard], Iterator[Row]]
    kind: Literal["text", "json", "parquet"]
    separator: str = ""
    schema: pa.Schema | None = None


def open_rows(path: Path, separator: str, encoding: str) -> Rows:
    """The rows of a file, its kind told by the name's ending.

    Raises:
        UserError: The header or the encoding is not to be found.
    """
    with path.open("rb") as file:
        mark = file.read(6)
    if mark.startswith(PACKED):
        raise UserError(f"The table is compressed. Received: {path}. Unpack it first.")
    kind = ENDINGS.get(path.suffix.lower(), "text")
    if kind == "json":
        return _json_lines(path, encoding)
    return _parquet(path) if kind == "parquet" else _separated(path, separator, encoding)


def _separated(path: Path, given: str, given_encoding: str) -> Rows:
    encoding = _encoding(path, given_encoding)
    with _open(path, encoding) as file:
        header = file.readline()
    separator = choose_separator(given, header)
    with _open(path, encoding) as file:
        names = [name.strip() for name in next(csv.reader(file, delimiter=separator), [])]
    quoting = _quoting(path, encoding, separator, len(names))

    def read(heard: Heard) -> Iterator[Row]:
        with _open(path, encoding) as file:
            for number, values in enumerate(csv.reader(_heard_lines(file, heard), delimiter=separator, quoting=quoting)):
                if number and "".join(values).strip():
                    wrong = len(values) != len(names)
                    yield Row(number, values, f"{len(values)} columns where the header has {len(names)}" if wrong else "")

    return Rows(names, read, "text", separator)


def choose_separator(given: str, header: str) -> str:
    """The separator given, or else the one that the header has most of.

    Raises:
        UserError: It is not one character.
    """
    separator = {"\\t": "\t", "tab": "\t"}.get(given, given)
    if separator == "auto":
        separator = max(SEPARATORS, key=header.count)
        return separator if separator in header else ","
    if len(separator) != 1:
        raise UserError(f"The separator is not one character. Received: separator={given}. Give one, such as ';' or tab.")
    return separator


def _heard_lines(file: TextIO, heard: Heard) -> Iterator[str]:
    for line in file:
        heard(len(line))
        yield line


def _open(path: Path, encoding: str) -> TextIO:
    return path.open(encoding=encoding, newline="")


def _quoting(path: Path, encoding: str, separator: str, columns: int) -> Literal[0, 3]:
    """Whether quotes group (RFC 4180) or are text like any other: the reading under which fewer rows lack or exceed the columns."""

    def wrong_rows(quoting: Literal[0, 3], strict: bool) -> float:
        try:
            with _open(path, encoding) as file:
                rows = csv.reader(file, delimiter=separator, quoting=quoting, strict=strict)
                return sum(len(values) != columns for values in rows if "".join(values).strip())
        except csv.Error:
            return float("inf")

    return csv.QUOTE_MINIMAL if wrong_rows(csv.QUOTE_MINIMAL, True) <= wrong_rows(csv.QUOTE_NONE, False) else csv.QUOTE_NONE


def _encoding(path: Path, given: str) -> str:
    """The encoding given, or else UTF-8 (or UTF-16 by its mark) if the whole file is that, or else Windows-1252."""
    candidates = [given]
    if given == "auto":
        with path.open("rb") as file:
            mark = file.read(4)
        candidates = ["utf-16"] if mark.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else ["utf-8-sig", "cp1252"]
        if b"\0" in mark and candidates != ["utf-16"]:
            raise UserError(f"The encoding is not to be found. Received: {path} with {mark!r}. Give encoding=NAME, such as utf-16-le.")
    for encoding in candidates:
        try:
            with path.open(encoding=encoding) as file:
                while file.read(1 << 20):
                    pass
            return encoding
        except UnicodeError as error:
            wrong = error
        except LookupError:
            raise UserError(
                f"Unknown encoding. Received: encoding={given}. Use a name that Python knows, such as utf-8 or cp1252."
            ) from None
    raise UserError(f"The file is not {' or '.join(candidates)}. Received: {path}: {wrong}. Give encoding=NAME.")


def _json_lines(path: Path, given_encoding: str) -> Rows:
    encoding = _encoding(path, given_encoding)

    def records(heard: Heard) -> Iterator[tuple[int, dict[str, Any], str]]:
        with _open(path, encoding) as file:
            for number, line in enumerate(file, 1):
                heard(len(line))
                if not line.strip():
                    continue
                try:
                    record = json.loads(line)
                except (ValueError, RecursionError) as error:
                    yield number, {}, f"not JSON: {error}"
                    continue
                if isinstance(record, dict):
                    yield number, record, ""
                else:
                    yield number, {}, "not a JSON object"

    first = islice(records(lambda size: None), NAMING)
    names = list(dict.fromkeys(name for _, record, _ in first for name in record))

    def read(heard: Heard) -> Iterator[Row]:
        for number, record, problem in records(heard):
            yield Row(number, [record.get(name) for name in names], problem)

    return Rows(names, read, "json")


def _parquet(path: Path) -> Rows:
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowInvalid, OSError) as error:
        what = str(error).splitlines()[0].rstrip(".")
        raise UserError(f"The file is not Parquet. Received: {path}: {what}. Write it again.") from None

    def read(heard: Heard) -> Iterator[Row]:
        number = 0
        with pq.ParquetFile(path) as file:
            share = path.stat().st_size / max(file.metadata.num_rows, 1)
            for batch in file.iter_batches(BATCH_SIZE):
                heard(int(share * batch.num_rows))
                for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    number += 1
                    yield Row(number, list(values))

    return Rows(list(schema.names), read, "parquet", schema=schema)
