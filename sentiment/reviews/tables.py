"""Reviews in a table: which columns hold them, and what the labels mean."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentiment.errors import UserError
from sentiment.reviews.batch import TEST, TRAIN, VALIDATION, Batch, Heard, batched
from sentiment.reviews.rows import Rows, open_rows
from sentiment.settings import PrepareSettings

TEXT_NAMES = ("reviewtext", "review", "text", "review_text", "sentence", "content", "comment", "body")
LABEL_NAMES = ("sentimentscore", "sentiment", "label", "sentiment_score", "polarity", "class", "target", "score")
LABELS = {"1": 1, "1.0": 1, "positive": 1, "pos": 1, "true": 1, "0": 0, "0.0": 0, "negative": 0, "neg": 0, "false": 0}
SPLITS = {"train": TRAIN, "test": TEST} | dict.fromkeys(("validation", "valid", "val", "dev"), VALIDATION)


def open_table(path: Path, settings: PrepareSettings, labelled: bool = True) -> "Table":
    """The reviews in a file; if they need not be labelled, labels and groups are not looked for.

    Raises:
        UserError: The header, the encoding or a needed column is not to be found.
    """
    rows = open_rows(path, settings.separator, settings.encoding)
    text = find_column("text", settings.text_column, TEXT_NAMES, rows.names, path)
    label = find_column("label", settings.label_column, LABEL_NAMES, rows.names, path) if labelled else None
    if label == text:
        raise UserError(f"Text and label are the same column. Received: {path}, column {text}. Give text_column and label_column.")
    split = next((name for name in rows.names if name.strip().lower() == "split"), None)
    group = None
    if labelled and settings.group_column != "none":
        group = find_column("group", settings.group_column, (), rows.names, path)
        if group in (text, label):
            raise UserError(
                f"The group is the column of the {'text' if group == text else 'label'}. Received: group_column={group}. "
                "Name the column that says what a review is about, or none."
            )
    return Table(path, rows, text, label, split, group)


@dataclass(frozen=True)
class Table:
    """A table with its columns found."""

    path: Path
    rows: Rows
    text: str
    label: str | None
    split: str | None
    group: str | None

    def read(self, heard: Heard) -> Iterator[Batch]:
        """All rows, in order. Raises UserError at the first that is not as it should be."""
        names = self.rows.names
        text = names.index(self.text)
        label = names.index(self.label) if self.label else None
        split = names.index(self.split) if self.split else None
        group = names.index(self.group) if self.group else None

        def reviews() -> Iterator[tuple[str, int, int, str]]:
            for number, values, problem in self.rows.read(heard):
                if problem:
                    raise UserError(
                        f"A row is not as it should be. Received: row {number} of {self.path}: {problem}. "
                        "Mend or remove it; texts that hold the separator go in double quotes."
                    )
                body = values[text]
                if body is not None and not isinstance(body, str):
                    raise UserError(f"A review is not text. Received: row {number} of {self.path}: {body!r:.60}. Make it a string.")
                belongs = TRAIN if split is None else self._known("split", SPLITS, values[split], number)
                sentiment = 0 if label is None else self._known(self.label or "", LABELS, values[label], number)
                yield body or "", sentiment, belongs, "" if group is None else _group(values[group])

        return batched(reviews())

    def _known(self, column: str, meanings: dict[str, int], value: Any, number: int) -> int:
        meaning = meanings.get(str(value).strip().lower())
        if meaning is None:
            known = "0 or 1, negative or positive" if meanings is LABELS else ", ".join(meanings)
            raise UserError(f"Unknown {column}. Received: row {number} of {self.path}, {column}={str(value)[:60]!r}. Use {known}.")
        return meaning


def _group(value: Any) -> str:
    """The name of a group; "" for an empty cell, which a number column of Parquet may have as a NaN."""
    return "" if value is None or value != value else str(value).strip()


def find_column(role: str, given: str, known: tuple[str, ...], names: list[str], path: Path | str) -> str:
    """The column for a role, by the name given or one of those known.

    Raises:
        UserError: There is none, or two of that name.
    """
    lower = [name.lower() for name in names]
    found = next((names[lower.index(candidate)] for candidate in known if candidate in lower), None) if given == "auto" else given.strip()
    columns = ", ".join(names)[:200] or "no columns"
    if found is None:
        raise UserError(
            f"No column looks like the {role}. Received: {path} with {columns}. "
            f"Give {role}_column=NAME; a text file has to begin with a header, such as reviewText|sentimentScore."
        )
    if names.count(found) != 1:
        raise UserError(
            f"There {'is no such column' if found not in names else 'are two such columns'}. "
            f"Received: {role}_column={found}; {path} has {columns}. Name one of these, each a name of its own."
        )
    return found
