"""Tables in Parquet."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sentiment.errors import UserError
from sentiment.reviews.batch import OnBytes
from sentiment.reviews.packed import Packed, first_line, too_much
from sentiment.reviews.rows import Row, Rows
from sentiment.settings import TableSettings

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
                    yield batch, [_values(batch.column(name)) for name in columns]
        except DAMAGE as error:
            raise _damaged(self.file, error) from error


def _size(column: pa.Array) -> int:
    """In bytes; of a text that is there once and counts many times, each time."""
    return int((column.dictionary_decode() if pa.types.is_dictionary(column.type) else column).nbytes)


def _values(column: pa.Array) -> list[Any]:
    """As Python has them; bytes that are UTF-8 are text, a text that is not is bytes."""
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
