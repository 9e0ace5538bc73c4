"""Tables of texts with the scores that they got, or without; with labels, or without."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from sentiment.batch_scoring.local_scoring import ADDED, BAD_ROWS, PART_ROWS
from sentiment.errors import UserError
from sentiment.reviews.batch import OnBytes
from sentiment.reviews.labels import LEFT_OUT, Labels, propose
from sentiment.reviews.rows import Row, Rows
from sentiment.reviews.table_formats import open_rows
from sentiment.reviews.tables import find_column, named_column, usual_column
from sentiment.settings import MonitorSettings, PrepareSettings, part

NO_LABEL = -1
GIVEN = "given_"  # what `score` puts before a column's name that it needs itself


@dataclass(frozen=True)
class Part:
    """Some rows of a table.

    Attributes:
        scores: `<float64>[rows]`, None if the table has none.
        labels: 1 positive, 0 negative, or NO_LABEL: `<int64>[rows]`.
        bad: How many rows are left out, since they lack a text or a score.
    """

    texts: list[str]
    scores: np.ndarray | None
    labels: np.ndarray
    bad: int


@dataclass(frozen=True)
class ScoredTable:
    """A table with the columns that are read."""

    path: Path
    rows: Rows
    labels: Labels
    text: str
    score: str | None
    label: str | None

    def read(self, on_bytes: OnBytes) -> Iterator[Part]:
        """All rows, in order. Raises UserError at a label that is not known."""
        columns = [name for name in (self.text, self.score, self.label) if name is not None]
        rows = self.rows.read(on_bytes, columns)
        while chunk := list(islice(rows, PART_ROWS)):
            good = [(row, values) for row in chunk if (values := self._values(row)) is not None]
            texts, scores, labels = (list(column) for column in zip(*(values for _, values in good), strict=True)) if good else ([], [], [])
            kept = np.array(scores, np.float64) if self.score is not None else None
            yield Part(texts, kept, np.array(labels, np.int64), len(chunk) - len(good))

    def _values(self, row: Row) -> tuple[str, float, int] | None:
        """Text, score and label; None for a row that is bad."""
        if row.problem or not isinstance(row.values[0], str) or not row.values[0].strip():
            return None
        score = _score(row.values[1]) if self.score is not None else 0.0
        label = self._label(row.values[-1], row.number) if self.label is not None else NO_LABEL
        return None if score is None else (row.values[0], score, label)

    def _label(self, value: Any, number: int) -> int:
        if value is None or value != value or not str(value).strip():
            return NO_LABEL
        meaning = self.labels.meaning(value)
        if meaning is None:
            raise UserError(
                f"Unknown label. Received: row {number} of {self.path}, {self.label}={str(value)[:60]!r}. {propose([value])}, "
                "or label_column=none if these are no labels."
            )
        return NO_LABEL if meaning == LEFT_OUT else meaning


def find_tables(location: str) -> list[Path]:
    """A table, or those of a folder but for what `score` wrote of bad rows. Raises UserError if there is none."""
    path = Path(location).expanduser()
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise UserError(f"There is no such file or folder. Received: input={location}. Give a table of texts, or a folder of tables.")
    tables = sorted(
        file for file in path.iterdir() if file.is_file() and not file.name.startswith(".") and not file.name.endswith(BAD_ROWS)
    )
    if not tables:
        raise UserError(f"The folder has no tables. Received: input={location}. Give one with tables in it.")
    return tables


def open_scored(path: Path, settings: MonitorSettings) -> ScoredTable:
    """A table that `score` wrote, or another one.

    Raises:
        UserError: It is no table that can be read, or a column is missing, or labels are not rightly named.
    """
    labels = Labels(part(PrepareSettings, settings))
    rows = open_rows(path, settings)
    text = find_column("text", settings.text_column, rows, path)
    is_scored = tuple(rows.names[-2:]) == ADDED
    score = _column("score", settings.score_column, ADDED[1] if is_scored else None, rows, path)
    others = [name for name in (rows.names[:-2] if is_scored else rows.names) if name not in (text, score)]
    label = _column("label", settings.label_column, _usual_label(others, rows), rows, path)
    if text in (score, label) or (score is not None and score == label):
        raise UserError(
            f"One column would be two things. Received: text {text}, score {score}, label {label} of {path}. Name another one, or none."
        )
    return ScoredTable(path, rows, labels, text, score, label)


def _column(role: str, name: str, usual: str | None, rows: Rows, path: Path) -> str | None:
    if name in ("auto", "none"):
        return usual if name == "auto" else None
    return named_column(role, name, rows.names, path)


def _usual_label(names: list[str], rows: Rows) -> str | None:
    """One that is called as labels are, also if `score` renamed it."""
    if rows.guessed:
        return rows.guessed.get("label")
    plain = {name.removeprefix(GIVEN): name for name in names}
    name = usual_column("label", list(plain))
    return plain[name] if name else None


def _score(value: Any) -> float | None:
    try:
        score = float(value)
    except (TypeError, ValueError):
        return None
    return score if math.isfinite(score) and 0 <= score <= 1 else None
