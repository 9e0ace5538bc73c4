"""Whole tables: the same rows with scores, whatever happens on the way."""

import csv
import gzip
import json
import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from mlflow import MlflowClient

from sentiment import tracking
from sentiment.batch_scoring import local_scoring
from sentiment.batch_scoring.local_scoring import score_table
from sentiment.errors import StepError, UserError
from sentiment.model.explanation import Explanation, explain
from sentiment.model.scorer import Scorer
from sentiment.reviews.rows import Rows
from sentiment.reviews.table_formats import open_rows
from sentiment.settings import ScoreSettings, TableSettings
from sentiment.steps import score, score_text
from tests.commands import all_runs
from tests.processes import Launch

MODEL = Path(__file__).parent / "fixtures" / "default-bilstm.h5"
TEXTS = ["wonderful film", "fine", 'a "dull" mess | and; more,\nlines', "é 😀", "so so"] * 5
SCORER = Scorer(MODEL)


def table(path: Path) -> Path:
    frame = pd.DataFrame({"id": range(len(TEXTS)), "reviewText": TEXTS, "score": 0.25})
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")
    return path


def read(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    if path.suffix == ".jsonl":
        return pd.read_json(path, orient="records", lines=True)
    return pd.read_csv(path, sep="\t" if path.suffix == ".tsv" else ",", keep_default_na=False)


def opened(path: Path) -> Rows:
    return open_rows(path, TableSettings())


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_the_same_rows_come_out_with_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    monkeypatch.setattr(local_scoring, "PART_ROWS", 7)
    source, output = table(tmp_path / f"in{ending}"), tmp_path / f"out{ending}"
    counts = score_table(opened(source), "reviewText", SCORER, {}, output, lambda size: None)
    assert counts == {"rows_scored": 25, "rows_bad": 0, "rows_resumed": 0}
    found = read(output)
    assert list(found) == ["id", "reviewText", "given_score", "label", "score"]
    assert found["id"].tolist() == list(range(25))
    assert found["reviewText"].tolist() == TEXTS
    assert found["given_score"].tolist() == [0.25] * 25
    assert found["score"].tolist() == pytest.approx(SCORER.score(TEXTS).tolist(), abs=1e-6)
    assert found["label"].tolist() == ["positive" if score >= 0.5 else "negative" for score in found["score"]]
    assert {file.name for file in tmp_path.iterdir()} <= {source.name, output.name, "mlflow.db"}


def test_bad_rows_are_told_and_the_others_scored(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"text": "fine"}\nnot json\n{"text": null}\n{"text": 5}\n[1]\n{"other": 1}\n{"text": "bad"}\n')
    output = tmp_path / "out.jsonl"
    counts = score_table(opened(source), "text", SCORER, {}, output, lambda size: None)
    assert counts["rows_scored"] == 2
    bad = [json.loads(line) for line in (tmp_path / "out.jsonl.bad.jsonl").read_text().splitlines()]
    assert [row["row"] for row in bad] == [2, 3, 4, 5, 6]
    assert all(row["problem"] for row in bad)
    table = tmp_path / "in.csv"
    table.write_text("id,text\n1,fine\n2\n3,a,b\n4,bad\n")
    assert score_table(opened(table), "text", SCORER, {}, tmp_path / "out.csv", lambda size: None)["rows_bad"] == 2


def scored(path: Path, **settings: str | bool) -> Path:
    """The output of the whole step."""
    output = path.with_name(f"out{path.suffix}")
    score.run(ScoreSettings(input=str(path), output=str(output), model=str(MODEL), **settings))  # type: ignore[arg-type]
    return output


def test_an_empty_text_is_a_bad_row(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text('id,text\n1,good film\n2,\n3,nan\n4,""\n5,   \n6,bad film\n7,fine\n')
    output = scored(source)
    assert [line.split(",")[:2] for line in output.read_text().splitlines()[1:]] == [
        ["1", "good film"],
        ["3", "nan"],
        ["6", "bad film"],
        ["7", "fine"],
    ]
    bad = [json.loads(line) for line in (tmp_path / "out.csv.bad.jsonl").read_text().splitlines()]
    assert bad == [{"row": row, "problem": "the text is empty"} for row in (2, 4, 5)]


def test_a_job_that_scored_less_than_half_or_nothing_is_no_success(tmp_path: Path, store: str) -> None:
    source = tmp_path / "in.csv"
    source.write_text("id,text\n1,fine\n2\n3\n")
    with pytest.raises(StepError, match="1 of 3 rows"):
        scored(source)
    assert (tmp_path / "out.csv").read_text().startswith("id,text,label,score\n1,fine,")
    source.write_text("id,text\n")
    with pytest.raises(StepError, match="nothing to score"):
        scored(source)
    runs = MlflowClient(store).search_runs(["0"])
    assert [run.info.status for run in runs] == ["FAILED"] * 2
    assert runs[1].data.metrics["rows_bad"] == 2
    source.write_text("id,text\n1,fine\n2\n")
    scored(source)


def test_how_a_table_was_read_is_logged(tmp_path: Path, store: str) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes("text;label\nТекст, очень хороший;1\nПлохой фильм, не смотрите;0\n".encode("cp1251") * 9)
    output = scored(source, text_column="text")
    assert "Плохой фильм" in output.read_text("utf-8")
    (run,) = MlflowClient(store).search_runs(["0"])
    assert run.data.tags["reading"] == "cp1251, ';' between columns, quotes group"


def test_packed_tables_and_arrays_come_out_unpacked(tmp_path: Path) -> None:
    records = [{"text": text, "odd": {"a": [1]}} for text in TEXTS]
    source = tmp_path / "in.json.gz"
    source.write_bytes(gzip.compress(json.dumps(records).encode()))
    score.run(ScoreSettings(input=str(source), model=str(MODEL)))
    found = json.loads((tmp_path / "in.scored.json").read_text())
    assert [(row["text"], row["odd"]) for row in found] == [(text, {"a": [1]}) for text in TEXTS]


def test_a_table_without_a_header_comes_out_without_one(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("1,a fine film\n2,a dull film\n")
    assert [line.split(",")[:2] for line in scored(source, header=False).read_text().splitlines()] == [
        ["1", "a fine film"],
        ["2", "a dull film"],
    ]


def test_columns_of_parquet_that_python_does_not_know_come_out_as_they_were(tmp_path: Path) -> None:
    count = len(TEXTS)
    frame = pa.table(
        {
            "text": [None, *TEXTS[1:]],
            "far": pa.array([2**62] * count, pa.timestamp("us")),
            "elsewhere": pa.array([0] * count, pa.timestamp("us", "Mars/Base")),
            "nested": pa.array([{"a": [{"b": 1}]}] * count),
            "words": pa.array(["x"] * count).dictionary_encode(),
            "view": pa.array(["x"] * count, pa.string_view()),
            "list": pa.array([[1]] * count, pa.list_view(pa.int64())),
        }
    )
    pq.write_table(frame, tmp_path / "in.parquet")
    found = pq.read_table(scored(tmp_path / "in.parquet"))
    assert found.drop_columns(["label", "score"]).equals(frame.slice(1))


def test_a_table_that_can_not_be_read_to_its_end_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_scoring, "PART_ROWS", 4)
    source = tmp_path / "in.json"
    source.write_text(json.dumps([{"text": text} for text in TEXTS * 100])[:-5])
    with pytest.raises(UserError, match="not JSON"):
        scored(source)
    assert {file.name for file in tmp_path.iterdir()} <= {"in.json", "mlflow.db", "mlruns"}


def test_a_folder_through_the_entry_point(call: Launch, store: str, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    table(folder / "a.csv")
    table(folder / "b.parquet")
    done = call("entry_points.score", f"--input={folder}", f"--model={MODEL}", f"--output={tmp_path / 'out'}")
    assert done.returncode == 0, done.stderr
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["a.csv", "b.parquet"]
    (run,) = all_runs(store)
    assert run.data.tags["step"] == "score"
    assert run.data.metrics["rows_scored"] == 50
    shutil.rmtree(folder)


def test_one_text_on_the_terminal(launch: Launch, store: str) -> None:
    text = "It's great; I 'liked' it & \"all\" -- $HOME 😀"
    done = launch("mlflow", "run", ".", "--env-manager", "local", "-e", "score", "-P", f"text={text}", "-P", f"model={MODEL}")
    assert done.returncode == 0, done.stderr
    assert f"next: mlflow run . --env-manager local -e score -P model={MODEL} -P input=FILE" in done.stdout
    (line,) = [line for line in done.stdout.splitlines() if "carried by" in line]
    (scored,) = SCORER.score([text]).tolist()
    assert line.startswith(f"score: {SCORER.label(scored)} {scored:.4f} (positive from 0.5 on), carried by: ")
    words = [item.split(" ") for item in line.partition("carried by: ")[2].split("  ")]
    expected = [item for item in explain(SCORER, text, scored) if abs(float(item["weight"])) >= score_text.LEAST]
    assert [word for word, _ in words] == [item["word"] for item in expected]
    assert [float(weight) for _, weight in words] == pytest.approx([item["weight"] for item in expected], abs=1e-4)
    assert score_text.describe(SCORER, "...!").startswith(SCORER.label(float(SCORER.score(["...!"])[0])))
    assert score_text.describe(SCORER, " ").endswith(score_text.EMPTY)
    (launched,) = all_runs(store)
    assert launched.info.run_name == "score a text"
    assert "nothing of it is logged" in launched.data.tags[tracking.NOTE]


def test_where_no_word_by_itself_counts_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a text whose score is as good as 0 or 1, or whose words are not known."""
    none = [{"word": "xyzzy", "weight": 0.0, "place": 0}]
    monkeypatch.setattr(Explanation, "words", lambda self: none)
    assert score_text.describe(SCORER, "xyzzy").endswith(score_text.NO_WORD)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "input=none, text=none"),
        (["--input=data/reviews.txt", "--text=good"], "input=data/reviews.txt, text=good"),
        (["--text=good", "--output=x.csv"], "output=x.csv"),
        (["--input=/nowhere.csv"], "input=/nowhere.csv"),
        (["--input=data/reviews.txt"], "models:/sentiment@champion"),
        (["--input=data/reviews.txt", "--model=README.md"], "README.md"),
        (["--input=data/reviews.txt", "--output=x.parquet"], "x.parquet"),
        (["--input=data/reviews.txt", "--output=data/reviews.txt"], "data/reviews.txt"),
        (["--input=data/reviews.txt", "--text-column=nosuch"], "nosuch"),
        (["--input=data/reviews.txt", "--engine=abacus"], "abacus"),
    ],
)
def test_what_is_wrong_is_said(call: Launch, arguments: list[str], said: str) -> None:
    done = call("entry_points.score", *arguments)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert said in line


def test_a_separated_table_keeps_its_own_separator(tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    source.write_text("id|reviewText\n1|good, really\n2|bad; really\n")
    score_table(opened(source), "reviewText", SCORER, {}, tmp_path / "out.txt", lambda size: None)
    with (tmp_path / "out.txt").open(newline="") as file:
        rows = list(csv.reader(file, delimiter="|"))
    assert [row[:2] for row in rows] == [["id", "reviewText"], ["1", "good, really"], ["2", "bad; really"]]
