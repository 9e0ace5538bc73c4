"""A table of texts, or a folder of tables, to the same with scores."""

import hashlib
import logging
import os
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from sentiment import tracking
from sentiment.batch_scoring import spark
from sentiment.batch_scoring.local_scoring import only_writer, score_table
from sentiment.errors import StepError, UserError
from sentiment.model import model_file
from sentiment.model.scorer import Scorer
from sentiment.progress import Bar, Wait
from sentiment.registry import find_model, lineage
from sentiment.reviews.packed import find_packed, unpacked_name
from sentiment.reviews.rows import Rows
from sentiment.reviews.table_formats import open_rows
from sentiment.reviews.tables import find_column
from sentiment.serving import served_model
from sentiment.settings import ScoreSettings, TableSettings, part
from sentiment.settings.models import NONE
from sentiment.steps import score_text
from sentiment.tracking import commands

SPARK_LOOKS = 6  # seconds
SPARK_SECONDS, SPARK_BEGINS = 0.8, 10  # for a megabyte on two cores, and the megabytes that its beginning is worth
log = logging.getLogger(__name__)


def run(settings: ScoreSettings, opening: str = "score") -> None:
    """Scores every row that can be scored. opening: what is done, which the model's data are added to, and printed.

    Raises:
        UserError: There is no such input or model, or a table has no text column, or the engine is not there.
        StepError: Of a table less than half could be scored, or nothing at all.
    """
    if (settings.input == NONE) == (settings.text == NONE):
        received = f"input={settings.input:.100}, text={settings.text:.100}"
        raise UserError(f"There is to be a table or a text, one of the two. Received: {received}. Give input=FILE, or text=TEXT.")
    if settings.text != NONE:
        score_text.run(settings, opening)
        return
    if settings.engine == "spark":
        _score_on_spark(settings, opening)
    else:
        _score_here(settings, opening)


def _score_here(settings: ScoreSettings, opening: str) -> None:
    """Started again after it was cut off, it goes on behind the last finished part."""
    jobs = _jobs(settings)
    opened = [(source, output, *_open(source, settings)) for source, output in jobs]
    path = find_model.find(settings.model)
    scorer = Scorer(path)
    log.info("%s, with %s", opening, lineage.describe(settings.model, scorer.model.data_fingerprint))
    digest = _digest(path)
    readings = "; ".join(dict.fromkeys(rows.reading for _, _, rows, _ in opened))
    with ExitStack() as outputs:
        for _, output, _, _ in opened:
            output.parent.mkdir(parents=True, exist_ok=True)
            outputs.enter_context(only_writer(output))
        active = outputs.enter_context(tracking.step_run("score", settings, model_digest=digest[:16], reading=readings))
        begun = time.perf_counter()
        totals: Counter[str] = Counter()
        failures = []
        for source, output, rows, text_column in opened:
            log.info("score: reading %s: %s, text in %s", source.name, rows.reading, text_column)
            bar = Bar(source.name, source.stat().st_size, "bytes")
            state = source.stat()
            job = {"model": digest, "size": state.st_size, "changed": state.st_mtime_ns, "text_column": text_column, "names": rows.names}
            job |= {"reading": rows.reading, "max_row": settings.max_row}
            try:
                counts = score_table(rows, text_column, scorer, job, output, bar.advance)
            finally:
                bar.close()
            totals.update(counts)
            failures += _failure(source.name, counts, output)
            _log_counts(source.name, counts, output)
        active.log_metrics({**totals, "seconds": time.perf_counter() - begun})
        active.set_tags({tracking.NOTE: _note(totals, settings)})
        _check(failures, totals, settings)
    commands.log_next_steps(commands.open_page(commands.run_page(active.info)))


def _note(counts: Mapping[str, int], settings: ScoreSettings) -> str:
    """The run's description."""
    scored, bad = (f"{counts.get(name, 0):,}" for name in ("rows_scored", "rows_bad"))
    return f"{scored} rows of `{Path(settings.input).name}` were scored by `{settings.model}`; {bad} were bad and have no score."


def _failure(source: str, counts: dict[str, int], output: str | Path) -> list[str]:
    good, bad = counts["rows_scored"], counts["rows_bad"]
    return [f"{source}: {good} of {good + bad} rows scored, see {output}.bad.jsonl"] if bad > good else []


def _check(failures: list[str], totals: dict[str, int], settings: ScoreSettings) -> None:
    if failures:
        raise StepError(f"Less than half could be scored. {'; '.join(failures)}. If the table is in order, say how it is to be read.")
    if not totals["rows_scored"]:
        raise StepError(f"There was nothing to score. Received: input={settings.input}, without a row.")


def _score_on_spark(settings: ScoreSettings, opening: str) -> None:
    spark.check()
    from sentiment.batch_scoring import spark_scoring  # PySpark is an extra

    path = find_model.find(settings.model)
    log.info("%s, with %s", opening, lineage.describe(settings.model, model_file.read(path).data_fingerprint))
    with spark.session(settings.spark_master) as session, TemporaryDirectory() as folder, ExitStack() as outputs:
        source, output = _spark_paths(settings)
        if local := spark_scoring.check_output(session, output):
            local.parent.mkdir(parents=True, exist_ok=True)
            outputs.enter_context(only_writer(local))
        with Wait("score: looking at the table on Spark", SPARK_LOOKS):
            table = spark_scoring.open_table(session, source, part(TableSettings, settings))
        model = Path(folder) / served_model.NAME
        served_model.save(path, model)
        with tracking.step_run("score", settings, model_digest=_digest(path)[:16]) as active:
            begun = time.perf_counter()
            with Wait("score: on Spark", SPARK_SECONDS, SPARK_BEGINS + table.size / 1e6):
                counts = spark_scoring.score_table(session, table, model, output)
            active.log_metrics({**counts, "seconds": time.perf_counter() - begun})
            active.set_tags({tracking.NOTE: _note(counts, settings)})
            _log_counts(source, counts, output)
            _check(_failure(source, counts, output), counts, settings)
        commands.log_next_steps(commands.open_page(commands.run_page(active.info)))


def _log_counts(source: str, counts: dict[str, int], output: str | Path) -> None:
    log.info("score: %s: %s rows scored, %d bad, to %s", source, f"{counts['rows_scored']:,}", counts["rows_bad"], output)
    if counts.get("rows_resumed"):
        log.info("score: %s of the rows had been done before", f"{counts['rows_resumed']:,}")
    if counts["rows_bad"]:
        log.info("score: what is wrong with the bad rows stands in %s.bad.jsonl", output)


def _spark_paths(settings: ScoreSettings) -> tuple[str, str]:
    """(input, output), which may be URLs."""
    source, output = (os.path.expanduser(path).rstrip("/") for path in (settings.input, settings.output))
    if output == "auto":
        folder, slash, name = source.rpartition("/")
        output = f"{folder}{slash}{PurePosixPath(name).stem}.scored{PurePosixPath(name).suffix}"
    return source, output


def _digest(model: Path) -> str:
    return hashlib.sha256(model.read_bytes()).hexdigest()


def _open(source: Path, settings: ScoreSettings) -> tuple[Rows, str]:
    rows = open_rows(source, settings)
    return rows, find_column("text", settings.text_column, rows, source)


def _jobs(settings: ScoreSettings) -> list[tuple[Path, Path]]:
    """(table, where its scores go, which is not packed)."""
    source = Path(settings.input).expanduser()
    if not os.path.exists(source):
        raise UserError(f"There is no such file or folder. Received: input={settings.input}. Give a table of texts, or a folder of tables.")
    if not source.is_dir():
        return [(source, _output(source, settings))]
    output = source.with_name(f"{source.name}.scored") if settings.output == "auto" else Path(settings.output).expanduser()
    if output.resolve() == source.resolve():
        raise UserError(f"The output would overwrite the input. Received: output={settings.output}. Give another path.")
    tables = sorted(file for file in source.iterdir() if file.is_file() and not file.name.startswith("."))
    if not tables:
        raise UserError(f"The folder has no tables. Received: input={settings.input}. Give one with tables in it.")
    names = Counter(unpacked_name(table.name) for table in tables)
    if twice := [name for name, count in names.items() if count > 1]:
        raise UserError(f"Two tables would go to one output. Received: {source} with {twice[0]} twice, packed and not. Take one out.")
    return [(table, output / unpacked_name(table.name)) for table in tables]


def _output(source: Path, settings: ScoreSettings) -> Path:
    """Of one table."""
    inner = PurePosixPath(find_packed(source, settings.max_size).name)
    if settings.output == "auto":
        return source.with_name(f"{PurePosixPath(unpacked_name(source.name)).stem}.scored{inner.suffix}")
    output = Path(settings.output).expanduser()
    if output.resolve() == source.resolve():
        raise UserError(f"The output would overwrite the input. Received: output={settings.output}. Give another path.")
    if output.suffix != inner.suffix:
        raise UserError(f"The output is of another kind. Received: output={settings.output}. Give a name that ends in {inner.suffix}.")
    return output
