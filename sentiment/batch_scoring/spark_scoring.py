"""What local_scoring.py does, on Apache Spark.

Paths are Spark's own (`hdfs://…`, `s3a://…`, files that all workers see), and the output is a folder of parts.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import mlflow
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, Observation, SparkSession
from pyspark.sql import functions as sql
from pyspark.sql.types import StringType, StructType

from sentiment.batch_scoring.local_scoring import scored_names
from sentiment.batch_scoring.spark import reason
from sentiment.errors import UserError
from sentiment.reviews.dialect import choose_separator
from sentiment.reviews.packed import unpacked_name
from sentiment.reviews.table_formats import kind_of
from sentiment.reviews.tables import named_column
from sentiment.settings import TableSettings

UNREAD = "_unread"  # where Spark's readers put a record that they can't read
PROBLEM, FILE, RECORD = "_problem", "_file", "_record"
QUOTES = {"quote": '"', "escape": '"'}  # as in RFC 4180
REPLACED = "\N{REPLACEMENT CHARACTER}"  # what Spark reads where the encoding has no character


@dataclass(frozen=True)
class SparkTable:
    """frame: the columns `names`, and PROBLEM, which is null where a row can be scored, FILE and RECORD, by which to find the row.

    text: the name of the column that holds the text; size: of the files, in bytes.
    """

    frame: DataFrame
    names: list[str]
    text: str
    kind: str
    separator: str
    size: int


def open_table(session: SparkSession, path: str, settings: TableSettings) -> SparkTable:
    """A file, or the files of a folder as one table, with a header.

    Raises:
        UserError: There is no table that can be read, or it has no text column.
    """
    if not settings.header:
        raise UserError("A table without a header can't be scored on Spark. Received: header=false. Give it one, or say engine=local.")
    encoding, separator = settings.encoding, settings.separator
    decoding = {"encoding": "utf-8" if encoding == "auto" else encoding}
    with _readable(path):
        files = session.read.format("binaryFile").load(path).inputFiles()
        kinds = {kind_of(unpacked_name(PurePosixPath(file).name)) for file in files}
        if len(kinds) != 1:
            raise UserError(f"Not tables of one kind. Received: input={path}, {len(files)} files. Give a table, or a folder of one kind.")
        kind = kinds.pop()
        if kind == "parquet":
            frame = session.read.parquet(path)
        elif kind == "json":
            frame = session.read.json(path, columnNameOfCorruptRecord=UNREAD, **decoding)
        else:
            header = session.read.csv(files[0], sep="\x01", quote="", multiLine=True, **decoding).first()
            separator = choose_separator(separator, header[0] if header else "")
            frame = _read_separated(session, path, separator, settings.escape, **decoding)
    names = [name for name in frame.columns if name != UNREAD]
    text = named_column("text", settings.text_column, names, path)
    if frame.schema[text].dataType != StringType():
        raise UserError(f"The texts are not text. Received: {path}, column {text}, {frame.schema[text].dataType}. Give text_column=NAME.")
    unread = sql.col(UNREAD) if UNREAD in frame.columns else sql.lit(None).cast("string")
    problem = sql.when(unread.isNotNull(), f"not {len(names)} columns" if kind == "text" else "not a JSON object")
    problem = problem.when(_column(text).isNull(), "no text").when(sql.trim(_column(text)) == "", "the text is empty")
    if kind == "text" and encoding == "auto":
        problem = problem.when(sql.contains(_column(text), sql.lit(REPLACED)), "not UTF-8: give encoding=NAME")
    columns = [_column(name) for name in names]
    marked = frame.select(
        *columns,
        problem.alias(PROBLEM),
        sql.col("_metadata.file_path").alias(FILE),
        sql.coalesce(unread, sql.to_json(sql.struct(*columns))).alias(RECORD),
    )
    return SparkTable(marked, names, text, kind, separator, _Location(session, path).size)


def _read_separated(session: SparkSession, path: str, separator: str, escape: str, encoding: str) -> DataFrame:
    """All columns are text; an empty one is an empty text. Quotes are doubled where they are text, if no escape is named."""
    escaping = {"auto": '"', "none": '"', "backslash": "\\"}.get(escape, escape)
    options = QUOTES | {"escape": escaping}
    reader = session.read.options(sep=separator, encoding=encoding, header=True, multiLine=True, **options)
    names = reader.csv(path).columns
    schema = StructType()
    for name in [*names, UNREAD]:
        schema.add(name, StringType())
    frame = reader.schema(schema).options(columnNameOfCorruptRecord=UNREAD, enforceSchema=False).csv(path)
    return frame.withColumns({name: sql.coalesce(_column(name), sql.lit("")) for name in names})


def check_output(session: SparkSession, output: str) -> Path | None:
    """The path, if it is of this machine. Raises UserError if there is anything."""
    location = _Location(session, output)
    if location.exists():
        raise UserError(f"The output is there already. Received: output={output}. Give another path, or remove it.")
    return location.local


def score_table(session: SparkSession, table: SparkTable, model: Path, output: str) -> dict[str, int]:
    """Writes the folder `output` and, if any row is bad, the folder `OUTPUT.bad.jsonl`.

    model: the folder of a saved pyfunc model.

    Returns:
        Numbers of rows: `rows_scored` and `rows_bad`.
    """
    score = mlflow.pyfunc.spark_udf(session, str(model), "struct<label: string, score: double>", env_manager="local")
    counts = Observation()
    is_bad = sql.col(PROBLEM).isNotNull()
    counted = table.frame.observe(counts, sql.count_if(~is_bad).alias("rows_scored"), sql.count_if(is_bad).alias("rows_bad"))
    scored = counted.where(~is_bad).select(*map(_column, table.names), score(_column(table.text)).alias("_scored"))
    scored = scored.select(*map(_column, table.names), "_scored.label", "_scored.score").toDF(*scored_names(table.names))
    unfinished, bad = _Location(session, f"{output}.unfinished"), _Location(session, f"{output}.bad.jsonl")
    try:
        _write(scored, table, unfinished.path)
        bad.delete()
        if counts.get["rows_bad"]:
            rows = table.frame.where(is_bad).select(*(sql.col(name).alias(name[1:]) for name in (FILE, PROBLEM, RECORD)))
            rows.write.json(bad.path)
        check_output(session, output)  # another machine may have made it meanwhile
        unfinished.rename(output)
    finally:
        unfinished.delete()
    return dict(counts.get)


def _write(frame: DataFrame, table: SparkTable, path: str) -> None:
    writer = frame.write.mode("overwrite")
    if table.kind == "parquet":
        writer.parquet(path)
    elif table.kind == "json":
        writer.json(path, ignoreNullFields=False)
    else:
        spaces = {"ignoreLeadingWhiteSpace": False, "ignoreTrailingWhiteSpace": False}
        writer.options(**QUOTES, **spaces).csv(path, sep=table.separator, header=True, emptyValue="")


class _Location:
    """A path in whatever file system Spark finds it."""

    def __init__(self, session: SparkSession, path: str) -> None:
        self.path = path
        context = session.sparkContext
        assert context._jvm is not None
        self._name = context._jvm.org.apache.hadoop.fs.Path
        self._files = self._name(path).getFileSystem(context._jsc.hadoopConfiguration())

    @property
    def local(self) -> Path | None:
        return Path(self._name(self.path).toUri().getPath()) if self._files.getScheme() == "file" else None

    @property
    def size(self) -> int:
        """In bytes, of a file or of all in a folder."""
        return int(self._files.getContentSummary(self._name(self.path)).getLength())

    def exists(self) -> bool:
        return bool(self._files.exists(self._name(self.path)))

    def delete(self) -> None:
        self._files.delete(self._name(self.path), True)

    def rename(self, to: str) -> None:
        if not self._files.rename(self._name(self.path), self._name(to)):
            raise OSError(f"{self.path} could not be renamed to {to}")


def _column(name: str) -> Column:
    """By its whole name, dots and all."""
    return sql.col("`" + name.replace("`", "``") + "`")


@contextmanager
def _readable(path: str) -> Iterator[None]:
    """What Spark says of a table that it can't read becomes a UserError."""
    try:
        yield
    except (PySparkException, Py4JError) as error:
        raise UserError(f"The table can't be read. Received: input={path}: {reason(error)}. Give a table or a folder of them.") from error
