"""Reviews in a table: which columns hold them, and what the labels mean."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from sentiment.errors import UserError
from sentiment.reviews.batch import TEST, TRAIN, VALIDATION, Batch, OnBytes, batched
from sentiment.reviews.labels import LEFT_OUT, Labels, propose
from sentiment.reviews.rows import Rows
from sentiment.reviews.table_formats import open_rows
from sentiment.settings import PrepareSettings

TEXT_NAMES = ("reviewtext", "review", "text", "sentence", "content", "comment", "body")  # without blanks, _ and -
LABEL_NAMES = ("sentimentscore", "sentiment", "label", "polarity", "class", "target", "score", "rating", "stars", "overall")
PROPOSED_FROM = 10_000  # rows whose labels are looked at, where one is not known
SPLITS = {"train": TRAIN, "test": TEST} | dict.fromkeys(("validation", "valid", "val", "dev"), VALIDATION)


def open_table(path: Path, settings: PrepareSettings, labelled: bool = True) -> "Table":
    """The reviews in a file; if they need not be labelled, labels and groups are not looked for.

    Raises:
        UserError: The header, the encoding or a needed column is not clear, the labels are not rightly named, or one of the
            first rows is not as it should be.
    """
    labels = Labels(settings)
    rows = open_rows(path, settings)
    text = find_column("text", settings.text_column, rows, path)
    label = find_column("label", settings.label_column, rows, path) if labelled else None
    if label == text:
        raise UserError(f"Text and label are the same column. Received: {path}, column {text}. Give text_column and label_column.")
    split = next((name for name in rows.names if _plain(name) == "split"), None)
    group = None
    if labelled and settings.group_column != "none":
        group = find_column("group", settings.group_column, rows, path)
        if group in (text, label):
            raise UserError(
                f"The group is the column of the {'text' if group == text else 'label'}. Received: group_column={group}. "
                "Name the column that says what a review is about, or none."
            )
    table = Table(path, rows, labels, text, label, split, group)
    next(table.read(lambda size: None), None)  # what is wrong with all rows is wrong with the first ones: before a run is begun
    return table


@dataclass(frozen=True)
class Table:
    """A table whose columns are known."""

    path: Path
    rows: Rows
    labels: Labels
    text: str
    label: str | None
    split: str | None
    group: str | None

    def read(self, on_bytes: OnBytes) -> Iterator[Batch]:
        """All rows whose labels count, in order. Raises UserError at the first that is not as it should be."""
        columns = [name for name in (self.text, self.label, self.split, self.group) if name is not None]
        text, label, split, group = (columns.index(name) if name else None for name in (self.text, self.label, self.split, self.group))
        assert text is not None
        left_out = 0

        def reviews() -> Iterator[tuple[str, int, int, str]]:
            nonlocal left_out
            for number, values, problem, _ in self.rows.read(on_bytes, columns):
                if problem:
                    raise UserError(f"A row is not as it should be. Received: row {number} of {self.path}: {problem}. {self._remedy}")
                body = values[text]
                if body is not None and not isinstance(body, str):
                    raise UserError(f"A review is not text. Received: row {number} of {self.path}: {body!r:.60}. Make it a string.")
                belongs = TRAIN if split is None else self._split(values[split], number)
                sentiment = 0 if label is None else self._sentiment(values[label], number)
                if sentiment == LEFT_OUT:
                    left_out += 1
                else:
                    yield body or "", sentiment, belongs, "" if group is None else _group(values[group])

        for batch in batched(reviews()):
            yield replace(batch, left_out=left_out)
            left_out = 0
        if left_out:
            yield Batch([], [], [], [], left_out=left_out)

    @property
    def _remedy(self) -> str:
        if self.rows.kind == "text":
            return "Mend or remove it (texts that hold the separator go in double quotes), or say separator, encoding or escape."
        return "Mend or remove it."

    def _split(self, value: Any, number: int) -> int:
        split = SPLITS.get(str(value).strip().lower())
        if split is None:
            raise UserError(
                f"Unknown split. Received: row {number} of {self.path}, {self.split}={str(value)[:60]!r}. Use {', '.join(SPLITS)}."
            )
        return split

    def _sentiment(self, value: Any, number: int) -> int:
        meaning = self.labels.meaning(value)
        if meaning is None:
            assert self.label is not None
            seen = (row.values[0] for row in self.rows.read(lambda size: None, [self.label]) if not row.problem)
            raise UserError(
                f"Unknown label. Received: row {number} of {self.path}, {self.label}={str(value)[:60]!r}, where 1 or positive, 0 or "
                f"negative are known. {propose([*islice(seen, PROPOSED_FROM), value])}."
            )
        return meaning


def _group(value: Any) -> str:
    """The name of a group; "" for an empty cell, which a number column of Parquet may have as a NaN."""
    return "" if value is None or value != value else str(value).strip()


def find_column(role: str, setting: str, rows: Rows, path: Path) -> str:
    """The column for a role, by its name, or (`auto`) one that is usual, or is like it in a table without a header.

    Raises:
        UserError: There is none, or two of that name.
    """
    return rows.guessed[role] if setting == "auto" and role in rows.guessed else named_column(role, setting, rows.names, path)


def named_column(role: str, setting: str, names: list[str], path: Path | str) -> str:
    """The column for a role, by its name. Raises UserError if there is none, or two of that name."""
    stripped = setting.strip()
    column = usual_column(role, names) if setting == "auto" else next((name for name in names if name.strip() == stripped), stripped)
    columns = ", ".join(names)[:200] or "no columns"
    if column is None:
        raise UserError(
            f"No column looks like the {role}. Received: {path} with {columns}. Give {role}_column=NAME; "
            "a text file has to begin with a header, such as reviewText|sentimentScore, or say header=false."
        )
    if names.count(column) != 1:
        raise UserError(
            f"There {'is no such column' if column not in names else 'are two such columns'}. "
            f"Received: {role}_column={column}; {path} has {columns}. Name one of these, each a name of its own."
        )
    return column


def usual_column(role: str, names: list[str]) -> str | None:
    """The column that is called as those for the role usually are."""
    plain, usual = [_plain(name) for name in names], {"text": TEXT_NAMES, "label": LABEL_NAMES}.get(role, ())
    return next((names[plain.index(candidate)] for candidate in usual if candidate in plain), None)


def _plain(name: str) -> str:
    """Without what names of the same thing differ by."""
    return re.sub(r"[\s_-]", "", name).lower()
