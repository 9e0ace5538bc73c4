"""A table of texts to the same table with `label` and `score`, part by part, so that it may be as long as it likes.

Finished parts lie in a folder beside the output until all are there. A job that was cut off goes on behind them, if it is
still the same job: the same input, model and settings.
"""

import csv
import io
import json
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sentiment.reviews.batch import Heard
from sentiment.reviews.rows import Row, Rows
from sentiment.scorer import Scorer

PART_ROWS = 10_000
ADDED = ("label", "score")


def score_table(rows: Rows, text_column: str, scorer: Scorer, job: dict[str, Any], output: Path, heard: Heard) -> dict[str, int]:
    """Writes `output` and, if any row is bad, `OUTPUT.bad.jsonl` with the rows' numbers and what is wrong with them.

    A column of the input that is called `label` or `score` is written as `given_label` or `given_score`.

    job: what the result follows from, as JSON holds it.

    Returns:
        Numbers of rows: `rows_scored`, `rows_bad`, and `rows_resumed`, those that an earlier attempt had done.
    """
    parts = _Parts(output.with_name(f"{output.name}.parts"), job)
    names = scored_names(rows.names)
    place = rows.names.index(text_column)
    resumed = 0
    for number, part in enumerate(_chunks(rows.read(heard), PART_ROWS)):
        if parts.has(number):
            resumed += len(part)
            continue
        good, bad = _split(part, place)
        scores = scorer.score([row.values[place] for row in good])
        labels = [scorer.label(score) for score in scores]
        lines = [[*row.values, label, float(score)] for row, label, score in zip(good, labels, scores, strict=True)]
        _WRITERS[rows.kind](parts.part(number), rows, names, lines)
        parts.finish(number, len(good), bad)
    counts = parts.counts()
    unfinished = output.with_name(f"{output.name}.unfinished")
    _join(unfinished, parts.files("part"), rows, names)
    bad_rows = output.with_name(f"{output.name}.bad.jsonl")
    bad_rows.unlink(missing_ok=True)
    if counts["rows_bad"]:
        bad_rows.write_bytes(b"".join(file.read_bytes() for file in parts.files("bad")))
    unfinished.replace(output)
    shutil.rmtree(parts.folder)
    return counts | {"rows_resumed": resumed}


def scored_names(names: list[str]) -> list[str]:
    """The columns of the output."""
    return [f"given_{name}" if name in ADDED else name for name in names] + list(ADDED)


def _chunks(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    while part := list(islice(rows, size)):
        yield part


def _split(part: list[Row], place: int) -> tuple[list[Row], list[dict[str, Any]]]:
    """The rows that can be scored, and what is wrong with the others."""
    good, bad = [], []
    for row in part:
        problem = row.problem or ("" if isinstance(row.values[place], str) else f"the text is {row.values[place]!r:.60}")
        if problem:
            bad.append({"row": row.number, "problem": problem})
        else:
            good.append(row)
    return good, bad


class _Parts:
    """The finished parts of one job, in a folder. A part is there once its `done` file is."""

    def __init__(self, folder: Path, job: dict[str, Any]) -> None:
        self.folder = folder
        mark = folder / "job.json"
        if not mark.exists() or json.loads(mark.read_text()) != job:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            mark.write_text(json.dumps(job))

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


def _separated(path: Path, rows: Rows, names: list[str], lines: list[list[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=rows.separator, lineterminator="\n").writerows(lines)


def _json_lines(path: Path, rows: Rows, names: list[str], lines: list[list[Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(dict(zip(names, line, strict=True)), ensure_ascii=False, default=str) + "\n" for line in lines)


def _parquet(path: Path, rows: Rows, names: list[str], lines: list[list[Any]]) -> None:
    schema = _schema(rows, names)
    columns = [pa.array(values, field.type) for values, field in zip(zip(*lines, strict=True), schema, strict=True)] if lines else None
    pq.write_table(pa.Table.from_arrays(columns, schema=schema) if columns else schema.empty_table(), path)


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
    with path.open("wb") as joined:
        if rows.kind == "text":
            header = io.StringIO()
            csv.writer(header, delimiter=rows.separator, lineterminator="\n").writerow(names)
            joined.write(header.getvalue().encode())
        for part in parts:
            with part.open("rb") as finished:
                shutil.copyfileobj(finished, joined)


_WRITERS = {"text": _separated, "json": _json_lines, "parquet": _parquet}
