"""The reader for a file, by what it is called and what it begins with."""

from pathlib import Path, PurePath

from sentiment.reviews.decoding import find_decoding
from sentiment.reviews.json_rows import begins_as_json, open_json
from sentiment.reviews.packed import check_table, find_packed
from sentiment.reviews.parquet import open_parquet
from sentiment.reviews.rows import Rows
from sentiment.reviews.separated import open_separated
from sentiment.settings import TableSettings

ENDINGS = {".jsonl": "json", ".ndjson": "json", ".json": "json", ".parquet": "parquet", ".pq": "parquet"}


def kind_of(name: str) -> str:
    """Of a table, by its name: text, json or parquet."""
    return ENDINGS.get(PurePath(name).suffix.lower(), "text")


def open_rows(path: Path, settings: TableSettings) -> Rows:
    """The rows of a file.

    Raises:
        UserError: It is no table that can be read, or its header, encoding or columns are not clear.
    """
    file = find_packed(path, settings.max_size)
    kind = kind_of(file.name)
    check_table(file)
    if kind == "parquet" or file.is_parquet:
        return open_parquet(file, settings)
    decoding = find_decoding(file, settings.encoding)
    return open_json(decoding, settings) if kind == "json" or begins_as_json(decoding) else open_separated(decoding, settings)
