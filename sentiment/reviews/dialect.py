"""How a table in text is to be read: chosen by how many of its first rows each reading makes right."""

import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from sentiment.errors import UserError
from sentiment.reviews.records import NO_SEPARATOR, Dialect, Record, records

SEPARATORS = ("|", "\t", ";", ",")
RARE_SEPARATORS = ("\x01", "\x1f", "^", "~")  # Hive's, that of ASCII, and others: where a header has no usual one
SAMPLE = 1 << 18  # characters of the file that are looked at
NEARLY_ALL = 0.9


def choose_dialect(lines: list[str], separator: str, escape: str, header: bool) -> Dialect:
    """Of the dialects that the parameters leave open (`auto`), the one that makes most of these lines right.

    Raises:
        UserError: The separator or the escape is not one character.
    """
    dialects = [
        Dialect(between, quoting, escaping, quote, skips_blanks, ends_rows)
        for between in _separators(lines, separator, header)
        for ends_rows, skips_blanks, quote in _habits(lines, between, header)
        for escaping, quoting in product(_escapes(lines, escape), (True, False))
    ]
    rights = [list(_right_rows(dialect, lines, header)) for dialect in dialects]

    def merit(at: int) -> tuple[int, int, bool]:
        dialect = dialects[at]
        habits = dialect.ends_rows + dialect.skips_blanks + (dialect.quote != '"')
        return sum(len(row.lines) for row in rights[at]), habits, bool(dialect.escape) == _is_escaped(lines, dialect)

    best = max(range(len(dialects)), key=merit)  # the first of equal ones
    body = rights[best][header:]
    quoted = sum(row.lines[0].lstrip(" ").startswith(dialects[best].quote) for row in body)
    begins_quoted = dialects[best].quoting and bool(body) and quoted >= NEARLY_ALL * len(body)  # the rest of a bad row may look right
    return replace(dialects[best], begins_quoted=begins_quoted)


def choose_separator(setting: str, header: str) -> str:
    """The separator that is set, or else the one that the header has most of."""
    return _separators([header], setting, True)[0]


def usual_columns(lines: list[str], dialect: Dialect) -> int:
    """How many most rows have."""
    widths = Counter(len(row.values) for row in records(lines, dialect, None, SAMPLE) if row.values)
    return widths.most_common(1)[0][0] if widths else 1


def split_lines(text: str) -> list[str]:
    r"""Each with its end, which is \n, \r or both."""
    return list(io.StringIO(text, newline=""))


def _separators(lines: list[str], setting: str, header: bool) -> list[str]:
    separator = {"\\t": "\t", "tab": "\t", "none": ""}.get(setting, setting)
    if separator != "auto":
        if len(separator) > 1 or separator in tuple('\r\n"\0'):
            raise UserError(f"The separator is not one character. Received: separator={setting}. Give one, such as ';' or tab.")
        return [separator]
    first = lines[0] if lines else ""
    present = sorted((each for each in SEPARATORS if each in first), key=first.count, reverse=True)
    rare = [each for each in RARE_SEPARATORS if header and each in first.strip(f"{each}\r\n")]
    return present or rare or ([",", ""] if header else [""])


def _habits(lines: list[str], separator: str, header: bool) -> Iterator[tuple[bool, bool, str]]:
    """Rarer ways to write rows, where most have signs of them: (ends_rows, skips_blanks, quote), the usual one first."""
    body = [line.rstrip("\r\n") for line in lines[header:] if line.strip()]
    signs = (rf"{re.escape(separator)} *$", rf"{re.escape(separator)} +[\"']", rf"(^|{re.escape(separator)}) *'")
    has = [bool(separator) and sum(bool(re.search(sign, line)) for line in body) > len(body) / 2 for sign in signs]
    yield from product((False, True)[: 1 + (has[0] and header)], (False, True)[: 1 + has[1]], ('"', "'")[: 1 + has[2]])


def _escapes(lines: list[str], setting: str) -> list[str]:
    if setting == "auto":
        return ["", "\\"] if any("\\" in line for line in lines) else [""]
    escape = {"none": "", "backslash": "\\", "\\\\": "\\", '"': ""}.get(setting, setting)
    if len(escape) > 1 or escape in tuple("\r\n\0"):
        raise UserError(f"The escape is not one character. Received: escape={setting}. Give backslash, none, or one character.")
    return [escape]


def _right_rows(dialect: Dialect, lines: list[str], header: bool) -> Iterator[Record]:
    """Those with the right number of columns, the header too; none with a field in quotes, where quotes are to be text."""
    columns = None if header else usual_columns(lines, dialect)
    for row in records(lines, dialect, columns, SAMPLE):
        text_in_quotes = not dialect.quoting and any(len(value) > 1 and value[0] == value[-1] == dialect.quote for value in row.values)
        if row.values and not row.problem and not text_in_quotes:
            yield row


def _is_escaped(lines: list[str], dialect: Dialect) -> bool:
    """Whether some lines have what nothing but an escape makes sense of: MySQL's NULL, or a line end."""
    separator = re.escape(dialect.separator or NO_SEPARATOR)
    sign = re.compile(rf"(?:^|{separator})\\N(?:{separator}|[\r\n]|$)|(?<!\\)\\$")
    return bool(dialect.separator) and any(sign.search(line.rstrip("\r\n")) for line in lines)
