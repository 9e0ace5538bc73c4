"""Reviews in a table: which columns hold them, and what the labels mean."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentiment.errors import UserError
from sentiment.reviews.batch import OPEN, SPLIT_NAMES, Batch, batched
from sentiment.reviews.rows import Rows, open_rows
from sentiment.settings import PrepareSettings

TEXT_NAMES = ("reviewtext", "review", "text", "review_text", "sentence", "content", "comment", "body")
LABEL_NAMES = ("sentimentscore", "sentiment", "label", "sentiment_score", "polarity", "class", "target", "score")
LABELS = {"1": 1, "1.0": 1, "positive": 1, "pos": 1, "true": 1, "0": 0, "0.0": 0, "negative": 0, "neg": 0, "false": 0}
SPLITS = {"train": OPEN, "test": SPLIT_NAMES.index("test")} | {
    n: SPLIT_NAMES.index("validation") for n in ("validation", "valid", "val", "dev")
}

Heard = Callable[[int], None]


def open_table(path: Path, settings: PrepareSettings) -> "Table":
    """The reviews in a file.

    Raises:
        UserError: The header, the encoding or a needed column is not to be found.
    """
    rows = open_rows(path, settings.separator, settings.encoding)
    text = find_column("text", settings.text_column, TEXT_NAMES, rows.names, path)
    label = find_column("label", settings.label_column, LABEL_NAMES, rows.names, path)
    split = next((name for name in rows.names if name.strip().lower() == "split"), None)
    return Table(path, rows, text, label, split)


@dataclass(frozen=True)
class Table:
    """A table with its columns found."""

    path: Path
    rows: Rows
    text: str
    label: str
    split: str | None

    def read(self, heard: Heard) -> Iterator[Batch]:
        """All rows, in order. Raises UserError at the first that is not as it should be."""
        names = self.rows.names
        text, label = names.index(self.text), names.index(self.label)
        split = names.index(self.split) if self.split else None

        def reviews() -> Iterator[tuple[str, int, int]]:
            for number, values, problem in self.rows.read(heard):
                if problem:
                    raise UserError(
                        f"A row is not as it should be. Received: row {number} of {self.path}: {problem}. "
                        "Mend or remove it; texts that hold the separator go in double quotes."
                    )
                body = values[text]
                if body is not None and not isinstance(body, str):
                    raise UserError(f"A review is not text. Received: row {number} of {self.path}: {body!r:.60}. Make it a string.")
                belongs = OPEN if split is None else self._known("split", SPLITS, values[split], number)
                yield body or "", self._known(self.label, LABELS, values[label], number), belongs

        return batched(reviews())

    def _known(self, column: str, meanings: dict[str, int], value: Any, number: int) -> int:
        meaning = meanings.get(str(value).strip().lower())
        if meaning is None:
            known = "0 or 1, negative or positive" if meanings is LABELS else ", ".join(meanings)
            raise UserError(f"Unknown {column}. Received: row {number} of {self.path}, {column}={str(value)[:60]!r}. Use {known}.")
        return meaning


def find_column(role: str, given: str, known: tuple[str, ...], names: list[str], path: Path) -> str:
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
