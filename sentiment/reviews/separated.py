"""Tables in text with separators: CSV, TSV, `|`, one column alone, or fastText's lines, `__label__good A text`."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from statistics import fmean
from typing import TextIO

from sentiment.errors import UserError
from sentiment.reviews.batch import OnBytes
from sentiment.reviews.decoding import MARK, Decoding
from sentiment.reviews.dialect import SAMPLE, choose_dialect, split_lines, usual_columns
from sentiment.reviews.records import Dialect, Record, records
from sentiment.reviews.rows import Row, Rows
from sentiment.settings import TableSettings

SEP_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)  # Excel's, before the header
FASTTEXT = "__label__"
INVISIBLE = "[\u200b\u200e\u200f\u2060\ufeff]"


def open_separated(decoding: Decoding, settings: TableSettings) -> Rows:
    """The rows of a file.

    Raises:
        UserError: The header can't be read, or the separator or the escape is not one character.
    """
    with decoding.open() as text:
        lines = split_lines(text.read(SAMPLE))
        if text.read(1) and len(lines) > 1:
            lines.pop()
    separator, above = settings.separator, 0
    for line in lines:
        named = SEP_LINE.fullmatch(line)
        if line.strip() and not named:
            break
        separator = named[1] if named and separator == "auto" else separator
        above += 1
    lines = lines[above:]
    if separator == "auto" and lines and lines[0].startswith(FASTTEXT):
        table = _Separated(decoding, None, ["label", "text"], False, above, settings.max_row)
        return Rows(table.names, table.read, "text", f"{decoding}, a label and a text in each line", "\t", False)
    dialect, header = choose_dialect(lines, separator, settings.escape, settings.header), settings.header
    names = _header(lines, dialect, decoding) if header else [str(each) for each in range(1, usual_columns(lines, dialect) + 1)]
    table = _Separated(decoding, dialect, names, header, above, settings.max_row)
    reading = f"{decoding}, {dialect}" + ("" if header else ", no header")
    guessed = {} if header else _guess(lines, dialect, names)
    return Rows(names, table.read, "text", reading, dialect.separator or ",", header, guessed)


@dataclass(frozen=True)
class _Separated:
    """dialect: None for fastText's lines; above: lines before the header or the first row."""

    decoding: Decoding
    dialect: Dialect | None
    names: list[str]
    header: bool
    above: int
    longest: int

    def read(self, on_bytes: OnBytes, columns: Sequence[str], whole: bool = False) -> Iterator[Row]:
        """The rows but for empty ones."""
        indices = [self.names.index(name) for name in columns]
        undamaged, faults = self.decoding.whole, self.decoding.faults()
        with self.decoding.open(on_bytes) as text:
            lines = limited_lines(text, self.longest)
            above = "".join(islice(lines, self.above))
            for _ in range(above.count(MARK)):
                next(faults)
            for number, (values, problem, taken, line) in enumerate(self._records(lines), 0 if self.header else 1):
                if not undamaged:
                    bad = [next(faults) for each in taken for _ in range(each.count(MARK))]
                    problem = bad[0] if bad else problem
                if not number:
                    continue
                if problem:
                    yield Row(number, [], f"{problem} (line {line + self.above})")
                elif "".join(values).strip():
                    yield Row(number, [values[index] for index in indices], "", values)

    def _records(self, lines: Iterator[str]) -> Iterator[Record]:
        if self.dialect:
            yield from records(lines, self.dialect, len(self.names), self.longest)
            return
        for number, line in enumerate(lines, 1):
            label, text, *_ = [*line.split(maxsplit=1), "", ""]
            problem = "" if label.startswith(FASTTEXT) or not label else f"no {FASTTEXT} at its beginning"
            problem = f"more than one {FASTTEXT}" if text.startswith(FASTTEXT) else problem
            yield Record([label, text.rstrip()], problem, [line], number)


def limited_lines(text: TextIO, longest: int) -> Iterator[str]:
    """The lines of a text. Of a longer one, a character more than allowed, and what bytes of it are no character."""
    while line := text.readline(longest + 1):
        if len(line) > longest:
            line, rest = line[: longest + 1].rstrip("\r\n").ljust(longest + 1), line
            while rest[-1] not in "\r\n" and (rest := text.readline(1 << 20)):
                line += MARK * rest.count(MARK)
        yield line


def _header(lines: list[str], dialect: Dialect, decoding: Decoding) -> list[str]:
    header = next(records(lines, dialect, None, SAMPLE), None)
    if header and header.problem:
        raise UserError(f"The header can't be read. Received: {decoding.file.path}: {header.problem}. Mend it, or say header=false.")
    return [re.sub(INVISIBLE, "", name.replace(MARK, "\N{REPLACEMENT CHARACTER}")).strip() for name in header.values] if header else []


def _guess(lines: list[str], dialect: Dialect, names: list[str]) -> dict[str, str]:
    """The columns of a text without a header: the text is the longest, the label that with the fewest values of the others."""
    rows = [row.values for row in records(lines, dialect, len(names), SAMPLE) if row.values and not row.problem]
    columns = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}
    if not columns:
        return {}
    text = max(columns, key=lambda name: fmean(map(len, columns[name])))
    values = {name: len(set(column)) for name, column in columns.items() if name != text}
    several = {name: count for name, count in values.items() if count > 1} or values
    return {"text": text} | ({"label": min(several, key=lambda name: several[name])} if several else {})
