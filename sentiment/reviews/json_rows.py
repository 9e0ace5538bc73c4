"""Tables in JSON: a row a line, or one array of rows, or rows of several lines each."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, TextIO

from sentiment.errors import UserError
from sentiment.reviews.batch import OnBytes
from sentiment.reviews.decoding import MARK, Decoding
from sentiment.reviews.rows import Row, Rows
from sentiment.reviews.separated import limited_lines
from sentiment.settings import TableSettings

NAMING = 1000  # rows that are looked through for column names
PIECE = 1 << 16
STRING = r'"(?:[^"\\]|\\.)*"'
OBJECT = re.compile(rf"\s*(?:\[\s*)?\{{\s*{STRING}\s*:")
NAME, ROWS = re.compile(rf"[\s{{,]*{STRING}\s*:\s*"), re.compile(r"\[\s*\{")
# What pandas writes by columns, {"text": {"0": …, by index, {"0": {…, or apart, {"columns": […, {"schema": {"fields": ….
NO_ROWS = re.compile(rf'\s*\{{\s*(?:{STRING}\s*:\s*\{{\s*"0"\s*:|"0"\s*:\s*\{{|"columns"\s*:\s*\[|"schema"\s*:\s*\{{\s*"fields"\s*:)')
BETWEEN = re.compile(r"[\s,]*")
LONE = re.compile("[\ud800-\udfff]")

Records = Callable[[OnBytes], Iterator[tuple[int, dict[str, Any], str]]]  # numbers, records, and what is wrong with them


def begins_as_json(decoding: Decoding) -> bool:
    """Whether a file of any name begins with an object that has a name, by itself or in an array."""
    with decoding.open() as text:
        return bool(OBJECT.match(text.read(PIECE)))


def open_json(decoding: Decoding, settings: TableSettings) -> Rows:
    """The rows of a file. Lone surrogates in them, which are no characters, become U+FFFD.

    Raises:
        UserError: None of the first rows is an object, or the file has no rows but columns.
    """
    with decoding.open() as text:
        begins = text.read(PIECE)
    if NO_ROWS.match(begins):
        raise UserError(
            f"The file is not written by rows. Received: {decoding.file.path}. "
            "Write it so; in pandas: to_json(FILE, orient='records', lines=True)."
        )
    around = _is_around(begins)
    with decoding.open() as text:
        first = next((line for line in limited_lines(text, settings.max_row) if line.strip()), "")
    array = around or _goes_on(first, decoding.file.name.lower().endswith(".json"))

    def read_records(on_bytes: OnBytes) -> Iterator[tuple[int, Any, str]]:
        if array:
            return _of_array(decoding, settings.max_row, around, on_bytes)
        return _of_lines(decoding, settings.max_row, on_bytes)

    named = list(islice(read_records(lambda size: None), NAMING))
    names = list(dict.fromkeys(name for _, record, _ in named for name in record))
    if not names and any(problem for _, _, problem in named):
        number, _, problem = named[0]
        raise UserError(
            f"The file has no rows in JSON. Received: row {number} of {decoding.file.path}: {problem}. Give objects with names."
        )

    def read(on_bytes: OnBytes, columns: Sequence[str], whole: bool = False) -> Iterator[Row]:
        for number, record, problem in read_records(on_bytes):
            yield Row(number, [record.get(name) for name in columns], problem, record if whole else None)

    brackets = around or (array and first.lstrip().startswith("["))
    kind = ", the rows in an object" if around else " of several lines a row" if array else " lines"
    return Rows(names, read, "json", f"{decoding}, JSON{kind}", array=brackets)


def _is_around(begins: str) -> bool:
    """Whether a text that begins so is one object around an array of rows, and no row itself, which may have an array, too."""
    text = begins.lstrip()
    if not _array_within(text):
        return False
    try:
        value, ends = json.JSONDecoder().raw_decode(text)
    except json.JSONDecodeError as error:
        return len(begins) == PIECE or error.pos >= len(text.rstrip())
    except (ValueError, RecursionError):
        return False
    rows = next(each for each in value.values() if isinstance(each, list) and each and isinstance(each[0], dict))
    return not text[ends:].strip() and (len(rows) > 1 or not any(isinstance(each, str) for each in value.values()))


def _goes_on(line: str, any_json: bool) -> bool:
    """Whether what the first line begins is an array, or goes on behind it; any_json: the file is not said to have a row a line."""
    if any_json and line.lstrip().startswith("["):
        return True
    try:
        return isinstance(json.loads(line), list)
    except json.JSONDecodeError as error:
        return line.lstrip()[:1] in ("[", "{") and error.pos >= len(line.rstrip())
    except (ValueError, RecursionError):
        return False


def _array_within(text: str) -> int:
    """Where in an object the first array of objects begins, such as `{"count": 2, "reviews": [{…`; 0 if there is none."""
    at = 0
    while text.startswith("{") and (name := NAME.match(text, at)):
        at = name.end()
        if ROWS.match(text, at):
            return at
        try:
            _, at = json.JSONDecoder().raw_decode(text, at)
        except (ValueError, RecursionError):
            break
    return 0


def _of_lines(decoding: Decoding, longest: int, on_bytes: OnBytes) -> Iterator[tuple[int, dict[str, Any], str]]:
    faults = decoding.faults()
    with decoding.open(on_bytes) as text:
        for number, line in enumerate(limited_lines(text, longest), 1):
            if not decoding.whole and (count := line.count(MARK)):
                yield number, {}, _first(islice(faults, count))
            elif len(line) > longest:
                yield number, {}, f"longer than {longest} characters (max_row)"
            elif not line.isspace():
                try:
                    record = json.loads(line)
                except (ValueError, RecursionError) as error:
                    yield number, {}, f"not JSON: {error}"
                    continue
                yield _checked(number, record, line)


def _of_array(decoding: Decoding, longest: int, around: bool, on_bytes: OnBytes) -> Iterator[tuple[int, dict[str, Any], str]]:
    """Raises UserError where it is no JSON: there is no telling where the next row begins. around: whether it stands in an object."""
    faults = decoding.faults()
    with decoding.open(on_bytes) as text:
        for number, (record, source) in enumerate(_values(text, decoding, longest, around), 1):
            if not decoding.whole and (count := source.count(MARK)):
                yield number, {}, _first(islice(faults, count))
            else:
                yield _checked(number, record, source)


def _values(text: TextIO, decoding: Decoding, longest: int, around: bool) -> Iterator[tuple[Any, str]]:
    """The values of an array, or of a text one after the other, each with its source."""
    decode = json.JSONDecoder().raw_decode
    rest, number, array = text.read(PIECE).lstrip(), 0, False
    if around:
        rest = rest[_array_within(rest) :]
    if rest.startswith("["):
        array, rest = True, rest[1:]
    at, size = 0, PIECE
    while True:
        begins = BETWEEN.match(rest, at).end()  # type: ignore[union-attr]
        problem = ""
        try:
            value, ends = decode(rest, begins)
        except json.JSONDecodeError as error:
            problem = error.msg
        except (ValueError, RecursionError) as error:
            raise _not_json(decoding, number + 1, str(error)) from None
        if not problem and (ends < len(rest) or not isinstance(value, int | float)):
            number, at, size = number + 1, ends, PIECE
            yield value, rest[begins:ends]
            continue
        if array and rest[begins : begins + 1] == "]":
            behind = rest[begins + 1 :] + text.read(PIECE)
            if not _closes(behind) if around else behind.strip():
                raise _not_json(decoding, number + 1, "there is more behind the array" if behind.strip() else "it is cut off")
            return
        more = text.read(size)
        if not more:
            if begins < len(rest) or array:
                raise _not_json(decoding, number + 1, problem or "it is cut off")
            return
        if len(rest) - begins > longest:
            raise _not_json(decoding, number + 1, f"longer than {longest} characters (max_row)")
        rest, at, size = rest[begins:] + more, 0, size * 2


def _closes(behind: str) -> bool:
    """Whether this ends the object around an array."""
    try:
        json.loads('{"": 0' + behind)
    except (ValueError, RecursionError):
        return False
    return True


def _not_json(decoding: Decoding, number: int, problem: str) -> UserError:
    return UserError(
        f"The file is not JSON. Received: row {number} of {decoding.file.path}: {problem}. Mend it; JSON lines may have bad rows."
    )


def _first(faults: Iterator[str]) -> str:
    """The first of some that are taken all."""
    return next(iter(list(faults)))


def _checked(number: int, record: Any, source: str) -> tuple[int, dict[str, Any], str]:
    if not isinstance(record, dict):
        return number, {}, "not a JSON object"
    return number, _clean(record) if "\\ud" in source or "\\uD" in source else record, ""


def _clean(value: Any) -> Any:
    """The same without lone surrogates."""
    if isinstance(value, str):
        return LONE.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, dict):
        return {_clean(name): _clean(each) for name, each in value.items()}
    return [_clean(each) for each in value] if isinstance(value, list) else value
