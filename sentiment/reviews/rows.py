"""What every kind of table is read as."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

import pyarrow as pa

from sentiment.reviews.batch import OnBytes


class Row(NamedTuple):
    """A row by its number (from 1), with a value for each column that was asked for; or with what is wrong with it.

    record: the whole row, as local_scoring.py writes it: a value for each column; of JSON, the object; of Parquet, a batch and the row's
    place in it.
    """

    number: int
    values: list[Any]
    problem: str = ""
    record: Any = None


class Read(Protocol):
    """The rows, with the values of some columns, and `whole` records; `on_bytes` hears of each piece of bytes read."""

    def __call__(self, on_bytes: OnBytes, columns: Sequence[str], whole: bool = False) -> Iterator[Row]: ...


@dataclass(frozen=True)
class Rows:
    """What is known of a table before its rows are read.

    Attributes:
        names: The columns; of JSON, those of the first rows.
        reading: How the file is read, in words.
        separator: Of text.
        header: Whether text has one.
        guessed: Which columns are which, of text without a header.
        array: Whether JSON is one array.
        schema: Of Parquet.
    """

    names: list[str]
    read: Read
    kind: Literal["text", "json", "parquet"]
    reading: str
    separator: str = ""
    header: bool = True
    guessed: dict[str, str] = field(default_factory=dict)
    array: bool = False
    schema: pa.Schema | None = None
