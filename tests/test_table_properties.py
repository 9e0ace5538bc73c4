"""What holds of every table: what was written is read, and whatever bytes there are end in rows or one line."""

import csv
import io
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment.errors import UserError
from sentiment.reviews.table_formats import open_rows
from sentiment.settings import TableSettings

from .tables import labelled, rows, write

FIELDS = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=12)
WRITERS = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from(",;|\t"),
        "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
        "lineterminator": st.sampled_from(["\n", "\r\n"]),
    }
)


@settings(derandomize=True, max_examples=150, deadline=None, database=None)
@given(st.lists(st.tuples(FIELDS, FIELDS), min_size=1, max_size=12), WRITERS, st.booleans())
def test_what_a_csv_writer_wrote_is_read(texts: list[tuple[str, str]], dialect: dict[str, object], escaped: bool) -> None:
    """But for the escapes, which have to be named where few rows need them, nothing is said."""
    records = [(f"id{number}", *each) for number, each in enumerate(texts)]
    file = io.StringIO(newline="")
    escaping = {"escapechar": "\\", "doublequote": False} if escaped else {}
    csv.writer(file, **dialect, **escaping).writerows([("id", "text", "other"), *records])  # type: ignore[arg-type]
    with TemporaryDirectory() as folder:
        table = open_rows(write(Path(folder) / "a.csv", file.getvalue()), TableSettings(escape="backslash" if escaped else "none"))
        found = [row for row in table.read(lambda size: None, table.names)]
    assert [(row.problem, tuple(row.values)) for row in found] == [("", record) for record in records]


@settings(derandomize=True, max_examples=300, deadline=None, database=None)
@given(
    st.sampled_from(["a.csv", "a.jsonl", "a.json", "a.parquet", "a.csv.gz", "a.zip", "a.tar.gz"]),
    st.sampled_from([b"", b"text,label\n", b'{"text":"a"}\n', b'[{"text":', b"\x1f\x8b\x08", b"PK\x03\x04", b"PAR1", b"\xff\xfe", b"BZh9"]),
    st.one_of(st.binary(max_size=300), st.text('ab"\\,|;\n\r[]{}:é\ud83d', max_size=80).map(lambda text: text.encode("utf-8", "replace"))),
)
def test_any_bytes_end_in_rows_or_in_one_line(name: str, start: bytes, rest: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = write(Path(folder) / name, start + rest)
        for read in (rows, labelled):
            with suppress(UserError):
                read(path)
