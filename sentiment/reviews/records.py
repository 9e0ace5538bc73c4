"""Rows of a table in text, of which a bad one costs itself alone: reading goes on at the next line that begins a row."""

import csv
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

NO_SEPARATOR = "\x1f"  # stands in for one where the table has but one column
LONGEST_REST = 100  # lines that are taken for the rest of a bad row, at most
SWALLOWED = 3  # lines inside one text that are each a right row: a quote that was not closed, more likely

csv.field_size_limit(sys.maxsize)  # rows are limited as they are read


@dataclass(frozen=True)
class Dialect:
    """How rows are written as text.

    Attributes:
        separator: One character, or "" if there is but one column.
        quoting: Whether quotes group (RFC 4180) or are text like any other.
        escape: The character that makes the next one text, or "".
        quote: The quote that groups.
        skips_blanks: Whether blanks behind a separator are none of the text.
        ends_rows: Whether a separator also stands at the end of each row, but for the header.
        begins_quoted: Whether each row begins with a quote.
    """

    separator: str
    quoting: bool
    escape: str = ""
    quote: str = '"'
    skips_blanks: bool = False
    ends_rows: bool = False
    begins_quoted: bool = False

    def __str__(self) -> str:
        between = {"": "one column", "\t": "tabs between columns"}.get(self.separator, f"'{self.separator}' between columns")
        quotes = "quotes" if self.quote == '"' else "single quotes"
        more = [f"{self.escape} escapes"] * bool(self.escape) + ["blanks before fields"] * self.skips_blanks
        more += ["a separator behind each row"] * self.ends_rows
        return ", ".join([between, f"{quotes} {'group' if self.quoting else 'are text'}", *more])

    def reader(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """Rows. Raises csv.Error at a quote that is not closed or not followed by a separator."""
        return csv.reader(
            map(self._prepared, lines) if self.escape else lines,
            delimiter=self.separator or NO_SEPARATOR,
            quoting=csv.QUOTE_MINIMAL if self.quoting else csv.QUOTE_NONE,
            quotechar=self.quote,
            skipinitialspace=self.skips_blanks,
            escapechar=self.escape or None,
            strict=True,
        )

    def _prepared(self, line: str) -> str:
        """A line in which an escape that escapes nothing is text, as Spark and MySQL mean it, and MySQL's NULL is empty."""
        if self.escape not in line:
            return line
        separator, escape = re.escape(self.separator or NO_SEPARATOR), re.escape(self.escape)
        line = re.sub(f"(^|{separator}){escape}N(?={separator}|[\\r\\n]|$)", r"\1", line)
        return re.sub(f"{escape}(.|[\\r\\n]|$)", lambda match: match[0] if match[1] in self._escapable else self.escape + match[0], line)

    @property
    def _escapable(self) -> set[str]:
        return {"", '"', "'", self.escape, self.separator, "\r", "\n"} if self.quoting else {"", self.escape, self.separator, "\r", "\n"}


class Record(NamedTuple):
    """What a row holds, or what is wrong with it; its lines, and the number of the first one, from 1."""

    values: list[str]
    problem: str
    lines: list[str]
    line: int


def records(lines: Iterable[str], dialect: Dialect, columns: int | None, longest: int) -> Iterator[Record]:
    """The rows in some lines, empty ones as well.

    columns: how many a row has; None: as many as the first has; longest: characters of a row at most.
    """
    feed = _Feed(lines, longest)
    reader = dialect.reader(feed)
    line = 1
    while True:
        problem, values = "", []
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error:
            problem = "a quote that is not closed, or not doubled"
        except _TooLongError:
            problem = f"longer than {longest} characters (max_row)"
        taken, feed.taken, feed.size = feed.taken, [], 0
        empty = not problem and (not values or not any(map(str.strip, values)))
        if not problem and not empty:
            if columns is None:
                columns = len(values)
            needs_end = dialect.ends_rows and line > 1  # the header has none
            if needs_end and len(values) == columns + 1 and not values[-1].strip():
                values.pop()
                needs_end = False
            if len(values) != columns:
                problem = f"{len(values)} columns where the header has {columns}"
            elif needs_end:
                problem = "no separator behind it, which other rows have"
            elif len(taken) > SWALLOWED + 1 and columns > 1 and all(_is_row(inner, dialect, columns) for inner in taken[1:-1]):
                problem = "a quote that is not closed"
        if problem:
            begins = (at for at in range(1, len(taken)) if _may_begin(taken[at], dialect, columns))
            resume = next(begins, len(taken))
            feed.put_back(taken[resume:])
            taken = taken[:resume]
            if dialect.begins_quoted:
                taken += feed.rest_of_row(dialect.quote)
        yield Record(values, problem, taken, line)
        line += len(taken)


def _is_row(line: str, dialect: Dialect, columns: int) -> bool:
    try:
        return [len(values) for values in dialect.reader([line])] == [columns + dialect.ends_rows]
    except csv.Error:
        return False


def _may_begin(line: str, dialect: Dialect, columns: int | None) -> bool:
    """Whether a row may begin with that line: it is one, or begins one that goes on."""
    if dialect.begins_quoted and not line.lstrip(" ").startswith(dialect.quote):
        return False
    try:
        widths = [len(values) for values in dialect.reader([line])]
    except csv.Error as error:
        return "unexpected end" in str(error)
    return widths == [columns + dialect.ends_rows if columns else widths[0]]


class _TooLongError(Exception):
    pass


class _Feed(Iterator[str]):
    """Lines for a reader: those of the row that it is at are kept, and can be put back."""

    def __init__(self, lines: Iterable[str], longest: int) -> None:
        self._lines, self._longest = iter(lines), longest
        self._waiting: list[str] = []
        self.taken: list[str] = []
        self.size = 0

    def __next__(self) -> str:
        line = self._waiting.pop() if self._waiting else next(self._lines)
        self.taken.append(line)
        self.size += len(line)
        if self.size > self._longest:
            raise _TooLongError
        return line

    def put_back(self, lines: list[str]) -> None:
        self._waiting += reversed(lines)

    def rest_of_row(self, quote: str) -> list[str]:
        """The next lines, up to one that begins with a quote. Of these rows, each does."""
        rest: list[str] = []
        while len(rest) < LONGEST_REST:
            line = self._waiting.pop() if self._waiting else next(self._lines, quote)
            if line.lstrip(" ").startswith(quote) or not line.strip():
                self.put_back([line] if line != quote else [])
                break
            rest.append(line)
        return rest
