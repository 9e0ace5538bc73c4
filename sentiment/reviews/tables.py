"""Reviews in a table: text with separators (CSV, TSV, `|`), JSON lines or Parquet, with a header."""

import codecs
import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from sentiment.errors import UserError
from sentiment.reviews.batch import BATCH_SIZE, OPEN, SPLIT_NAMES, Batch, batched
from sentiment.settings import PrepareSettings

SEPARATORS = ("|", "\t", ";", ",")
TEXT_NAMES = ("reviewtext", "review", "text", "review_text", "sentence", "content", "comment", "body")
LABEL_NAMES = ("sentimentscore", "sentiment", "label", "sentiment_score", "polarity", "class", "target", "score")
LABELS = {"1": 1, "1.0": 1, "positive": 1, "pos": 1, "true": 1, "0": 0, "0.0": 0, "negative": 0, "neg": 0, "false": 0}
SPLITS = {"train": OPEN, "test": SPLIT_NAMES.index("test")} | {
    n: SPLIT_NAMES.index("validation") for n in ("validation", "valid", "val", "dev")
}

Heard = Callable[[int], None]
csv.field_size_limit(10_000_000)


def open_table(path: Path, settings: PrepareSettings) -> "Table":
    """The table in a file, its kind told by the name's ending.

    Raises:
        UserError: The header, the encoding or a needed column is not to be found.
    """
    ending = "".join(path.suffixes[-1:]).lower()
    if ending in (".jsonl", ".ndjson", ".json"):
        names, rows = _json_lines(path, settings)
    elif ending in (".parquet", ".pq"):
        names, rows = _parquet(path)
    else:
        names, rows = _separated(path, settings)
    text = _column("text", settings.text_column, TEXT_NAMES, names, path)
    label = _column("label", settings.label_column, LABEL_NAMES, names, path)
    split = next((name for name in names if name.lower() == "split"), None)
    return Table(path, rows, names, text, label, split)


@dataclass(frozen=True)
class Table:
    """A table with its columns found. `rows` gives (row number, values by the order of `names`)."""

    path: Path
    rows: Callable[[Heard], Iterator[tuple[int, list[Any]]]]
    names: list[str]
    text: str
    label: str
    split: str | None

    def read(self, heard: Heard) -> Iterator[Batch]:
        """All rows, in order. Raises UserError at the first that is not as it should be."""
        text, label = self.names.index(self.text), self.names.index(self.label)
        split = self.names.index(self.split) if self.split else None

        def reviews() -> Iterator[tuple[str, int, int]]:
            for number, values in self.rows(heard):
                body = values[text]
                if body is not None and not isinstance(body, str):
                    raise UserError(
                        f"A review is not text. Received: row {number} of {self.path}, {self.text}={body!r:.60}. Make it a string."
                    )
                belongs = OPEN if split is None else self._known("split", SPLITS, values[split], number)
                yield body or "", self._known(self.label, LABELS, values[label], number), belongs

        return batched(reviews())

    def _known(self, column: str, meanings: dict[str, int], value: Any, number: int) -> int:
        meaning = meanings.get(str(value).strip().lower())
        if meaning is None:
            known = "0 or 1, negative or positive" if meanings is LABELS else ", ".join(meanings)
            raise UserError(f"Unknown {column}. Received: row {number} of {self.path}, {column}={str(value)[:60]!r}. Use {known}.")
        return meaning


def _column(role: str, given: str, known: tuple[str, ...], names: list[str], path: Path) -> str:
    if given != "auto":
        if given in names:
            return given
        raise UserError(
            f"There is no such column. Received: {role}_column={given}; {path} has {', '.join(names)[:200]}. Name one of these."
        )
    lower = [name.strip().lower() for name in names]
    for candidate in known:
        if candidate in lower:
            return names[lower.index(candidate)]
    raise UserError(
        f"No column looks like the {role}. Received: {path} with the header {', '.join(names)[:200]!r}. "
        f"Begin the file with a header such as reviewText|sentimentScore, or give {role}_column=NAME."
    )


def _separated(path: Path, settings: PrepareSettings) -> tuple[list[str], Callable[[Heard], Iterator[tuple[int, list[Any]]]]]:
    encoding = _encoding(path, settings.encoding)
    with _open(path, encoding) as file:
        header = file.readline().rstrip("\r\n")
    separator = {"\\t": "\t", "tab": "\t"}.get(settings.separator, settings.separator)
    if separator == "auto":
        separator = max(SEPARATORS, key=header.count)
        if separator not in header:
            raise UserError(
                f"No separator in the header. Received: {path}, {header[:80]!r}. Give separator=X, or a header with | , ; or tabs."
            )
    elif len(separator) != 1:
        raise UserError(f"The separator is not one character. Received: separator={settings.separator}. Give one, such as ';' or tab.")
    names = next(csv.reader([header], delimiter=separator))
    quoting = _quoting(path, encoding, separator, len(names))

    def rows(heard: Heard) -> Iterator[tuple[int, list[Any]]]:
        with _open(path, encoding) as file:
            for number, values in enumerate(csv.reader(_heard_lines(file, heard), delimiter=separator, quoting=quoting)):
                if number and values:
                    yield number, values

    return names, rows


def _heard_lines(file: TextIO, heard: Heard) -> Iterator[str]:
    for line in file:
        heard(len(line))
        yield line


def _open(path: Path, encoding: str) -> TextIO:
    return path.open(encoding=encoding, newline="")


def _quoting(path: Path, encoding: str, separator: str, columns: int) -> Literal[0, 3]:
    """Whether quotes group (RFC 4180) or are text like any other: the reading under which every row has all its columns."""
    wrong = ""
    readings: tuple[tuple[Literal[0, 3], bool], ...] = ((csv.QUOTE_MINIMAL, True), (csv.QUOTE_NONE, False))
    for quoting, strict in readings:
        number = 0
        try:
            with _open(path, encoding) as file:
                for values in csv.reader(file, delimiter=separator, quoting=quoting, strict=strict):
                    if values and len(values) != columns:
                        raise csv.Error(f"{len(values)} columns where the header has {columns}")
                    number += 1
            return quoting
        except csv.Error as error:
            wrong = wrong or f"row {number}: {error}"
    raise UserError(f"The table's rows are not alike. Received: {path}, {wrong}. Put texts that hold the separator in double quotes.")


def _encoding(path: Path, given: str) -> str:
    """The encoding given, or else UTF-8 (or UTF-16 by its mark) if the whole file is that, or else Windows-1252."""
    if given == "auto":
        with path.open("rb") as file:
            mark = file.read(4)
        candidates = ["utf-16"] if mark[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else ["utf-8-sig", "cp1252"]
    else:
        candidates = [given]
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


def _json_lines(path: Path, settings: PrepareSettings) -> tuple[list[str], Callable[[Heard], Iterator[tuple[int, list[Any]]]]]:
    encoding = _encoding(path, settings.encoding)

    def records(heard: Heard) -> Iterator[tuple[int, dict[str, Any]]]:
        with _open(path, encoding) as file:
            for number, line in enumerate(file, 1):
                heard(len(line))
                if not line.strip():
                    continue
                try:
                    record = json.loads(line)
                except ValueError as error:
                    raise UserError(
                        f"A line is not JSON. Received: line {number} of {path}: {error}. Put one object on each line."
                    ) from None
                if not isinstance(record, dict):
                    raise UserError(
                        f"A line is not a JSON object. Received: line {number} of {path}: {line[:50]!r}. Put one object on each line."
                    )
                yield number, record

    names = list(next((record for _, record in records(lambda size: None)), {}))
    return names, lambda heard: ((number, [record.get(name) for name in names]) for number, record in records(heard))


def _parquet(path: Path) -> tuple[list[str], Callable[[Heard], Iterator[tuple[int, list[Any]]]]]:
    try:
        names = list(pq.read_schema(path).names)
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(
            f"The file is not Parquet. Received: {path}: {str(error).splitlines()[0]}. Give another, or write it again."
        ) from None

    def rows(heard: Heard) -> Iterator[tuple[int, list[Any]]]:
        number = 0
        with pq.ParquetFile(path) as file:
            share = path.stat().st_size / max(file.metadata.num_rows, 1)
            for batch in file.iter_batches(BATCH_SIZE):
                heard(int(share * batch.num_rows))
                for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    number += 1
                    yield number, list(values)

    return names, rows
