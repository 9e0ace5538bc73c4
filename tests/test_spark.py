"""Tables scored on a real Spark: two workers on this machine."""

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from sentiment.batch_scoring import spark
from sentiment.batch_scoring.spark_scoring import check_output, open_table, score_table
from sentiment.errors import UserError
from sentiment.model.scorer import Scorer
from sentiment.serving import served_model
from sentiment.settings import TableSettings
from tests.commands import all_runs
from tests.processes import Launch

pytestmark = pytest.mark.slow

FILE = Path(__file__).parent / "fixtures" / "default-bilstm.h5"
TEXTS = ["wonderful film", "fine", 'a "dull" mess | and; more,\nlines', "é 😀", "  so so  ", 'a 5" screen\r\n'] * 4
ROWS = pd.DataFrame({"n.o": range(len(TEXTS)), "reviewText": TEXTS, "score": 0.25})
SCORES = Scorer(FILE).score(TEXTS).tolist()


@pytest.fixture(scope="module", autouse=True)
def java() -> Iterator[None]:
    """Without the compiler that pays in long runs only: half the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        yield


@pytest.fixture(scope="module")
def cluster(java: None) -> Iterator[SparkSession]:
    with spark.session("local-cluster[2,1,1024]") as session:
        yield session


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "model"
    served_model.save(FILE, folder)
    return folder


def write(rows: pd.DataFrame, path: Path) -> None:
    if path.suffix == ".parquet":
        rows.to_parquet(path)
    elif path.suffix == ".jsonl":
        rows.to_json(path, orient="records", lines=True)
    else:
        rows.to_csv(path, index=False, sep="|")


def read(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    if path.suffix == ".json":
        return pd.read_json(path, orient="records", lines=True)
    return pd.read_csv(path, sep="|", keep_default_na=False)


def check_scores(output: Path) -> None:
    parts = [read(file) for file in output.glob("part-*")]
    found = pd.concat(parts).sort_values("n.o")
    assert list(found) == ["n.o", "reviewText", "given_score", "label", "score"]
    assert found["reviewText"].tolist() == TEXTS
    assert found["given_score"].tolist() == [0.25] * len(TEXTS)
    assert found["score"].tolist() == pytest.approx(SCORES, abs=1e-6)
    assert found["label"].tolist() == ["positive" if score >= 0.5 else "negative" for score in SCORES]


def test_the_entry_point(launch: Launch, store: str, tmp_path: Path) -> None:
    source = tmp_path / "in.parquet"
    write(ROWS, source)
    asked = ["entry_points.score", "--engine=spark", "--spark-master=local[1]", f"--input={source}", f"--model={FILE}"]
    refused = launch(*asked, JAVA_HOME="/nowhere")
    assert refused.returncode == 2
    (line,) = refused.stderr.splitlines()
    assert "/nowhere/bin/java" in line
    done = launch(*asked)
    assert done.returncode == 0, done.stderr
    check_scores(tmp_path / "in.scored.parquet")
    (run,) = all_runs(store)
    assert (run.data.tags["step"], run.data.metrics["rows_scored"]) == ("score", len(TEXTS))


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_the_same_rows_come_out_with_scores(cluster: SparkSession, model: Path, tmp_path: Path, ending: str) -> None:
    source, output = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    write(ROWS[:15], source / f"a{ending}")
    write(ROWS[15:], source / f"b{ending}")
    table = open_table(cluster, str(source), TableSettings())
    assert score_table(cluster, table, model, str(output)) == {"rows_scored": len(TEXTS), "rows_bad": 0}
    check_scores(output)
    assert {file.name for file in tmp_path.iterdir()} <= {"in", "out", "mlflow.db"}
    with pytest.raises(UserError, match="there already"):
        check_output(cluster, str(output))


def test_bad_rows_are_told_and_the_others_scored(cluster: SparkSession, model: Path, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    write(ROWS, source)
    with source.open("ab") as file:
        file.write(b"98\n99|a|b|c\n100|caf\xe9|0.25\n101|  |0.25\n")
    table = open_table(cluster, str(source), TableSettings())
    assert score_table(cluster, table, model, str(tmp_path / "out"))["rows_bad"] == 4
    check_scores(tmp_path / "out")
    bad = [json.loads(line) for part in (tmp_path / "out.bad.jsonl").glob("part-*") for line in part.read_text().splitlines()]
    assert [row["problem"] for row in bad] == ["not 3 columns", "not 3 columns", "not UTF-8: give encoding=NAME", "the text is empty"]
    assert [row["record"] for row in bad][:2] == ["98", "99|a|b|c"]
    assert all(row["file"].endswith("/in.csv") for row in bad)
    table = open_table(cluster, str(source), TableSettings(text_column="reviewText", separator="|", encoding="cp1252"))
    assert score_table(cluster, table, model, str(tmp_path / "out2"))["rows_bad"] == 3


def test_backslashes_escape_if_that_is_said(cluster: SparkSession, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text('id,text\n1,"He said \\"fine\\", really"\n')
    table = open_table(cluster, str(source), TableSettings(escape="backslash"))
    assert [row["text"] for row in table.frame.collect()] == ['He said "fine", really']
    with pytest.raises(UserError, match="header=false"):
        open_table(cluster, str(source), TableSettings(header=False))


def test_what_is_wrong_with_a_table_is_said(cluster: SparkSession, tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()

    def said(text_column: str = "auto") -> str:
        with pytest.raises(UserError) as caught:
            open_table(cluster, str(source), TableSettings(text_column=text_column))
        return str(caught.value)

    assert "0 files" in said()
    write(ROWS, source / "a.csv")
    assert "nosuch" in said("nosuch")
    write(ROWS, source / "b.parquet")
    assert "2 files" in said()
    (source / "a.csv").unlink()
    assert "n.o" in said("n.o")
    (source / "b.parquet").write_text("not Parquet")
    assert "not Parquet" in said() or "footer" in said()
    (source / "b.parquet").rename(tmp_path / "moved")
    source.rmdir()
    assert "does not exist" in said()
