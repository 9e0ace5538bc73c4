"""A table of texts, or a folder of tables, to the same with scores."""

import hashlib
import logging
import os
import time
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import mlflow

from sentiment import model_file, models, origin, served_model, spark, tracking
from sentiment.errors import UserError
from sentiment.progress import Bar
from sentiment.reviews.rows import Rows, open_rows
from sentiment.reviews.tables import TEXT_NAMES, find_column
from sentiment.scorer import Scorer
from sentiment.scoring import score_table
from sentiment.settings import ScoreSettings

log = logging.getLogger(__name__)


def run(settings: ScoreSettings) -> None:
    """Scores every row that can be scored.

    Raises:
        UserError: There is no such input or model, or a table has no text column, or the engine is not there.
    """
    if settings.engine == "spark":
        _score_on_spark(settings)
    else:
        _score_here(settings)


def _score_here(settings: ScoreSettings) -> None:
    """Started again after it was cut off, it goes on behind the last finished part."""
    jobs = _jobs(settings)
    opened = [(source, output, *_open(source, settings)) for source, output in jobs]
    path = models.find(settings.model)
    scorer = Scorer(path)
    log.info("score: with %s", origin.describe(settings.model, scorer.model.data_fingerprint))
    digest = _digest(path)
    with tracking.step_run("score", settings, model_digest=digest[:16]):
        begun = time.perf_counter()
        totals: dict[str, int] = {}
        for source, output, rows, text_column in opened:
            bar = Bar(source.name, source.stat().st_size, "bytes")
            state = source.stat()
            job = {"model": digest, "size": state.st_size, "changed": state.st_mtime_ns, "text_column": text_column, "names": rows.names}
            try:
                counts = score_table(rows, text_column, scorer, job, output, bar.advance)
            finally:
                bar.close()
            totals = {name: totals.get(name, 0) + count for name, count in counts.items()}
            _tell(source.name, counts, output)
        mlflow.log_metrics({**totals, "seconds": time.perf_counter() - begun})


def _score_on_spark(settings: ScoreSettings) -> None:
    spark.check()
    from sentiment import spark_scoring  # PySpark is an extra

    path = models.find(settings.model)
    log.info("score: with %s", origin.describe(settings.model, model_file.read(path).data_fingerprint))
    with spark.session(settings.spark_master) as session, TemporaryDirectory() as folder:
        source, output = _spark_paths(settings)
        spark_scoring.check_output(session, output)
        table = spark_scoring.open_table(session, source, settings.text_column, settings.separator, settings.encoding)
        model = Path(folder) / served_model.NAME
        served_model.save(path, model)
        with tracking.step_run("score", settings, model_digest=_digest(path)[:16]):
            begun = time.perf_counter()
            counts = spark_scoring.score_table(session, table, model, output)
            mlflow.log_metrics({**counts, "seconds": time.perf_counter() - begun})
    _tell(source, counts, output)


def _tell(source: str, counts: dict[str, int], output: str | Path) -> None:
    log.info("score: %s: %s rows scored, %d bad, to %s", source, f"{counts['rows_scored']:,}", counts["rows_bad"], output)
    if counts.get("rows_resumed"):
        log.info("score: %s of the rows had been done before", f"{counts['rows_resumed']:,}")
    if counts["rows_bad"]:
        log.info("score: what is wrong with the bad rows stands in %s.bad.jsonl", output)


def _spark_paths(settings: ScoreSettings) -> tuple[str, str]:
    """(input, output), which may be URLs."""
    source, output = (os.path.expanduser(given).rstrip("/") for given in (settings.input, settings.output))
    if output == "auto":
        folder, slash, name = source.rpartition("/")
        output = f"{folder}{slash}{PurePosixPath(name).stem}.scored{PurePosixPath(name).suffix}"
    return source, output


def _digest(model: Path) -> str:
    return hashlib.sha256(model.read_bytes()).hexdigest()


def _open(source: Path, settings: ScoreSettings) -> tuple[Rows, str]:
    rows = open_rows(source, settings.separator, settings.encoding)
    return rows, find_column("text", settings.text_column, TEXT_NAMES, rows.names, source)


def _jobs(settings: ScoreSettings) -> list[tuple[Path, Path]]:
    """(table, where its scores go)."""
    source = Path(settings.input).expanduser()
    if not source.exists():
        raise UserError(f"There is no such file or folder. Received: input={settings.input}. Give a table of texts, or a folder of tables.")
    output = source.with_name(f"{source.stem}.scored{source.suffix}") if settings.output == "auto" else Path(settings.output).expanduser()
    if output.resolve() == source.resolve():
        raise UserError(f"The output would overwrite the input. Received: output={settings.output}. Give another path.")
    if source.is_file():
        if output.suffix != source.suffix:
            raise UserError(f"The output is of another kind. Received: output={settings.output}. Give a name that ends in {source.suffix}.")
        output.parent.mkdir(parents=True, exist_ok=True)
        return [(source, output)]
    tables = sorted(file for file in source.iterdir() if file.is_file() and not file.name.startswith("."))
    if not tables:
        raise UserError(f"The folder has no tables. Received: input={settings.input}. Give one with tables in it.")
    output.mkdir(parents=True, exist_ok=True)
    return [(table, output / table.name) for table in tables]
