"""A table of texts to the same table with `label` and `score`, part by part, so that it may be as long as it likes.

Finished parts lie in a folder beside the output until all are there. A job that was cut off goes on behind them, if it is
still the same job: the same input, model and settings.
"""

import csv
import fcntl
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sentiment.errors import UserError
from sentiment.model.scorer import Scorer
from sentiment.reviews.batch import OnBytes
from sentiment.reviews.rows import Row, Rows

PART_ROWS = 10_000
ADDED = ("label", "score")
BAD_ROWS = ".bad.jsonl"  # behind the name of the output


def score_table(rows: Rows, text_column: str, scorer: Scorer, job: dict[str, Any], output: Path, on_bytes: OnBytes) -> dict[str, int]:
    """Writes `output` and, if any row is bad, `OUTPUT.bad.jsonl` with the rows' numbers and what is wrong with them.

    A column of the input that is called `label` or `score` is written as `given_label` or `given_score`. No other process may
    write there: see `only_writer`.

    job: what the result follows from, as JSON holds it.

    Returns:
        Numbers of rows: `rows_scored`, `rows_bad`, and `rows_resumed`, those that an earlier attempt had done.
    """
    parts = _Parts(output.with_name(f"{output.name}.parts"), job)
    names = scored_names(rows.names)
    try:
        resumed = _score_parts(rows, text_column, scorer, parts, on_bytes)
    except UserError:  # the table has to be mended, so that none of this will serve
        shutil.rmtree(parts.folder)
        raise
    counts = parts.counts()
    with _whole(output) as unfinished:
        _join(unfinished, parts.files("part"), rows, names)
        bad_rows = output.with_name(f"{output.name}{BAD_ROWS}")
        bad_rows.unlink(missing_ok=True)
        if counts["rows_bad"]:
            with _whole(bad_rows) as unfinished_bad:
                unfinished_bad.write_bytes(b"".join(file.read_bytes() for file in parts.files("bad")))
    shutil.rmtree(parts.folder)
    return counts | {"rows_resumed": resumed}


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Where to write what becomes the file at the end, if nothing fails."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        yield unfinished
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _score_parts(rows: Rows, text_column: str, scorer: Scorer, parts: "_Parts", on_bytes: OnBytes) -> int:
    """Does the parts that are not done yet. Returns the number of rows in those that were."""
    names = scored_names(rows.names)
    resumed = 0
    for number, part in enumerate(_chunks(rows.read(on_bytes, [text_column], whole=True), PART_ROWS)):
        if parts.has(number):
            resumed += len(part)
            continue
        good, bad = _split(part)
        scores = [float(score) for score in scorer.score([row.values[0] for row in good])]
        added = [(scorer.label(score), score) for score in scores]
        _WRITERS[rows.kind](parts.part(number), rows, names, [row.record for row in good], added)
        parts.finish(number, len(good), bad)
    return resumed


@contextmanager
def only_writer(output: Path) -> Iterator[None]:
    """While it lasts, no other process gets here. Raises UserError if one did before, or the folder can't be written."""
    lock = output.with_name(f"{output.name}.lock")
    try:
        file = lock.open("a")
    except OSError as error:
        raise UserError(f"The output can't be written. Received: output={output}: {error.strerror}. Give another path.") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine = os.fstat(file.fileno()).st_ino == lock.stat().st_ino  # not one that has just been removed
        except (BlockingIOError, FileNotFoundError):
            mine = False
        except OSError:  # a file system without locks
            mine = True
        if not mine:
            raise UserError(f"Another job writes that output. Received: output={output}. Wait for it, or give another path.")
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


def scored_names(names: list[str]) -> list[str]:
    """The columns of the output."""
    return [*map(_kept_name, names), *ADDED]


def _kept_name(name: str) -> str:
    """That of a column of the input in the output."""
    return f"given_{name}" if name in ADDED else name


def _chunks(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    while part := list(islice(rows, size)):
        yield part


def _split(part: list[Row]) -> tuple[list[Row], list[dict[str, Any]]]:
    """The rows that can be scored, and what is wrong with the others."""
    good, bad = [], []
    for row in part:
        problem = row.problem or _problem(row.values[0])
        if problem:
            bad.append({"row": row.number, "problem": problem})
        else:
            good.append(row)
    return good, bad


def _problem(text: Any) -> str:
    if not isinstance(text, str):
        return f"the text is {text!r:.60}"
    return "" if text.strip() else "the text is empty"


class _Parts:
    """The finished parts of one job, in a folder. A part is there once its `done` file is."""

    def __init__(self, folder: Path, job: dict[str, Any]) -> None:
        self.folder = folder
        mark, text = folder / "job.json", json.dumps(job)
        if folder.exists() and not (folder.is_dir() and (mark.exists() or not any(folder.iterdir()))):
            raise UserError(f"Something else has the place of the unfinished parts. Received: {folder}. Move it, or give another output.")
        if not mark.exists() or mark.read_text("utf-8", "replace") != text:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            mark.write_text(text)

    def has(self, number: int) -> bool:
        return self._file("done", number).exists()

    def part(self, number: int) -> Path:
        return self._file("part", number)

    def finish(self, number: int, good: int, bad: list[dict[str, Any]]) -> None:
        self._file("bad", number).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in bad), "utf-8")
        unfinished = self.folder / "unfinished"
        unfinished.write_text(json.dumps({"rows_scored": good, "rows_bad": len(bad)}))
        unfinished.replace(self._file("done", number))

    def counts(self) -> dict[str, int]:
        done = [json.loads(file.read_text()) for file in self.files("done")]
        return {name: sum(part[name] for part in done) for name in ("rows_scored", "rows_bad")}

    def files(self, kind: str) -> list[Path]:
        return sorted(self.folder.glob(f"{kind}-*"))

    def _file(self, kind: str, number: int) -> Path:
        return self.folder / f"{kind}-{number:06}"


Added = list[tuple[str, float]]  # label and score of each row


def _separated(path: Path, rows: Rows, names: list[str], records: list[list[str]], added: Added) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = ([*record, *more] for record, more in zip(records, added, strict=True))
        csv.writer(file, delimiter=rows.separator, lineterminator="\n").writerows(lines)


def _json_lines(path: Path, rows: Rows, names: list[str], records: list[dict[str, Any]], added: Added) -> None:
    """Each object as it is, also with columns that no other has."""
    with path.open("w", encoding="utf-8") as file:
        lines = (
            {_kept_name(name): value for name, value in record.items()} | dict(zip(ADDED, more, strict=True))
            for record, more in zip(records, added, strict=True)
        )
        file.writelines(json.dumps(line, ensure_ascii=False, default=str) + "\n" for line in lines)


def _parquet(path: Path, rows: Rows, names: list[str], records: list[tuple[pa.RecordBatch, int]], added: Added) -> None:
    """The other columns are copied as they are: not all that Parquet has is anything in Python."""
    schema, made = _schema(rows, names), iter(added)
    with pq.ParquetWriter(path, schema) as writer:
        for _, group in groupby(records, key=lambda record: id(record[0])):
            some = list(group)
            batch = pa.concat_batches([of.slice(at, 1) for of, at in some])  # take has no way for some types, such as views
            labels, scores = zip(*islice(made, len(some)), strict=True)
            writer.write_table(pa.Table.from_arrays([*batch.columns, pa.array(labels), pa.array(scores)], schema=schema))


def _schema(rows: Rows, names: list[str]) -> pa.Schema:
    assert rows.schema is not None
    types = [*(field.type for field in rows.schema), pa.string(), pa.float64()]
    return pa.schema(list(zip(names, types, strict=True)))


def _join(path: Path, parts: list[Path], rows: Rows, names: list[str]) -> None:
    if rows.kind == "parquet":
        with pq.ParquetWriter(path, _schema(rows, names)) as writer:
            for part in parts:
                writer.write_table(pq.read_table(part))
        return
    if rows.array:
        _join_array(path, parts)
        return
    with path.open("wb") as joined:
        if rows.kind == "text" and rows.header:
            header = io.StringIO()
            csv.writer(header, delimiter=rows.separator, lineterminator="\n").writerow(names)
            joined.write(header.getvalue().encode())
        for part in parts:
            with part.open("rb") as finished:
                shutil.copyfileobj(finished, joined)


def _join_array(path: Path, parts: list[Path]) -> None:
    with path.open("wb") as joined:
        between = b"[\n"
        for part in parts:
            with part.open("rb") as finished:
                for line in finished:
                    joined.write(between + line.rstrip(b"\n"))
                    between = b",\n"
        joined.write(b"\n]\n" if between == b",\n" else b"[]\n")


_WRITERS: dict[str, Callable[..., None]] = {"text": _separated, "json": _json_lines, "parquet": _parquet}
