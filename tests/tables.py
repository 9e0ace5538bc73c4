"""Tables for the tests of how tables are read: what they hold, and what is read of them."""

import csv
import io
from pathlib import Path
from typing import Literal

import pytest

from sentiment.errors import UserError
from sentiment.reviews import find_source
from sentiment.reviews.table_formats import open_rows
from sentiment.reviews.tables import find_column
from sentiment.settings import PrepareSettings, TableSettings

TEXTS = [f"The plot, number {number}, was {'fine' if number % 2 else 'dull'}; we left" for number in range(30)]


LABELS = [str(number % 2) for number in range(30)]


def rows(path: Path, **reading: object) -> tuple[list[str], dict[int, str]]:
    """The texts that can be read, and what is wrong with the other rows, by their numbers."""
    table = open_rows(path, TableSettings(**reading))  # type: ignore[arg-type]
    column = find_column("text", "auto", table, path)
    found = list(table.read(lambda size: None, [column]))
    return [row.values[0] for row in found if not row.problem], {row.number: row.problem for row in found if row.problem}


def labelled(path: Path, **settings: object) -> list[tuple[str, int]]:
    batches = find_source(PrepareSettings(reviews=str(path), **settings)).read(lambda size: None)  # type: ignore[arg-type]
    return [pair for batch in batches for pair in zip(batch.texts, batch.labels, strict=True)]


def refusal(path: Path, **settings: object) -> str:
    with pytest.raises(UserError) as caught:
        labelled(path, **settings)
    line = str(caught.value)
    assert "Received: " in line
    assert "\n" not in line
    return line


def table(quoting: Literal[0, 1] = csv.QUOTE_MINIMAL, header: bool = True) -> list[str]:
    """The lines of a table of TEXTS and LABELS."""
    file = io.StringIO()
    writer = csv.writer(file, quoting=quoting, lineterminator="\n")
    writer.writerows([("text", "label"), *zip(TEXTS, LABELS, strict=True)] if header else zip(TEXTS, LABELS, strict=True))
    return file.getvalue().splitlines(keepends=True)


def write(path: Path, content: str | bytes | list[str], encoding: str = "utf-8") -> Path:
    content = "".join(content) if isinstance(content, list) else content
    path.write_bytes(content.encode(encoding) if isinstance(content, str) else content)
    return path
