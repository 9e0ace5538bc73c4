"""Tables in Parquet."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sentiment.errors import UserError
from sentiment.reviews.batch import OnBytes
from sentiment.reviews.packed import Packed, first_line, too_much
from sentiment.reviews.rows import Row, Rows
from sentiment.settings import TableSettings

TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
BYTES = 4  # of a character, at most
AT_ONCE = 64  # rows: few, as each may be long however small the file is
DAMAGE = (pa.ArrowException, OSError, ValueError, TypeError, OverflowError, KeyError, MemoryError)


def open_parquet(file: Packed, settings: TableSettings) -> Rows:
    """The rows of a file; only the columns that are asked for are read.

    Raises:
        UserError: It is not Parquet.
    """
    if file.packing:
        raise UserError(f"The Parquet file is packed. Received: {file.path}. Unpack it first: Parquet packs its columns itself.")
    try:
        schema = pq.read_schema(file.path)
    except DAMAGE as error:
        raise _damaged(file, error) from None
    table = _Table(file, settings.max_row)
    return Rows(list(schema.names), table.read, "parquet", "Parquet", schema=schema)


@dataclass(frozen=True)
class _Table:
    file: Packed
    longest: int

    def read(self, on_bytes: OnBytes, columns: Sequence[str], whole: bool = False) -> Iterator[Row]:
        """Raises UserError where the file is damaged, or is more than may be read."""
        number = 0
        for batch, values in self._batches(on_bytes, columns, whole):
            for at, row in enumerate(zip(*values, strict=True)):
                number += 1
                too_long = any(isinstance(value, str) and len(value) > self.longest for value in row)
                problem = f"longer than {self.longest} characters (max_row)" if too_long else ""
                yield Row(number, list(row), problem, (batch, at))

    def _batches(self, on_bytes: OnBytes, columns: Sequence[str], whole: bool) -> Iterator[tuple[pa.RecordBatch, list[list[Any]]]]:
        left = self.file.limit
        try:
            with pq.ParquetFile(self.file.path) as file:
                share = self.file.path.stat().st_size / max(file.metadata.num_rows, 1)
                for batch in file.iter_batches(AT_ONCE, columns=None if whole else list(columns), use_threads=False):
                    left -= sum(map(_size, batch.columns))
                    if left < 0:
                        raise too_much(self.file.path, self.file.limit)
                    on_bytes(int(share * batch.num_rows))
                    yield batch, [_values(batch.column(name), self.longest) for name in columns]
        except DAMAGE as error:
            raise _damaged(self.file, error) from error


def _size(column: pa.Array) -> int:
    """In bytes; of a text that is there once and counts many times, each time."""
    lengths = _lengths(column)
    return int(column.nbytes if lengths is None else pc.sum(lengths).as_py() or 0)


def _lengths(column: pa.Array) -> pa.Array | None:
    """The bytes of each text, before there is a copy of it for each row; None of what is no text."""
    texts = column.dictionary if pa.types.is_dictionary(column.type) else column
    if not any(is_text(texts.type) for is_text in TEXTS):
        return None
    lengths = pc.binary_length(texts)
    return lengths.take(column.indices) if texts is not column else lengths


def _values(column: pa.Array, longest: int) -> list[Any]:
    """As Python has them.

    A text that is too long whatever its characters are is not copied: it is as many blanks as that takes.
    """
    lengths = _lengths(column)
    too_long = [] if lengths is None else pc.fill_null(pc.greater(lengths, BYTES * longest), False).to_pylist()
    if not any(too_long):
        return _to_python(column)
    is_packed = pa.types.is_dictionary(column.type)
    short = pc.if_else(pa.array(too_long), None, column.indices if is_packed else column)
    values = _to_python(pa.DictionaryArray.from_arrays(short, column.dictionary) if is_packed else short)
    blanks = " " * (longest + 1)
    return [blanks if is_long else value for is_long, value in zip(too_long, values, strict=True)]


def _to_python(column: pa.Array) -> list[Any]:
    """Bytes that are UTF-8 are text, a text that is not is bytes."""
    try:
        values = column.to_pylist()
    except UnicodeDecodeError:
        values = column.cast(pa.large_binary()).to_pylist()
    return [_decoded(value) if isinstance(value, bytes) else value for value in values]


def _decoded(value: bytes) -> str | bytes:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def _damaged(file: Packed, error: BaseException) -> UserError:
    return UserError(f"The Parquet file can't be read. Received: {file.path}: {first_line(error)}. Write it again.")
