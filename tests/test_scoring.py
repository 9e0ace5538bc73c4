"""Whole tables: the same rows with scores, whatever happens on the way."""

import csv
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient

from sentiment import scoring
from sentiment.reviews.opened import open_rows
from sentiment.reviews.rows import Rows
from sentiment.scorer import Scorer
from sentiment.scoring import score_table
from sentiment.settings import TableSettings

from .conftest import Launch

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
    monkeypatch.setattr(scoring, "PART_ROWS", 7)
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


def test_a_job_that_was_cut_off_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "PART_ROWS", 4)
    source, output = table(tmp_path / "in.csv"), tmp_path / "out.csv"
    whole = tmp_path / "whole.csv"
    score_table(opened(source), "reviewText", SCORER, {}, whole, lambda size: None)

    def cut_off(job: dict[str, str], after: int) -> None:
        calls = 0

        class Stopped(Scorer):
            def __init__(self) -> None:
                self.__dict__ = SCORER.__dict__

            def score(self, texts: list[str]):  # type: ignore[no-untyped-def]
                nonlocal calls
                calls += 1
                if calls > after:
                    raise KeyboardInterrupt
                return super().score(texts)

        with pytest.raises(KeyboardInterrupt):
            score_table(opened(source), "reviewText", Stopped(), job, output, lambda size: None)

    cut_off({"model": "a"}, 3)
    assert not output.exists()
    assert score_table(opened(source), "reviewText", SCORER, {"model": "a"}, output, lambda size: None)["rows_resumed"] == 12
    assert output.read_bytes() == whole.read_bytes()
    cut_off({"model": "a"}, 3)
    assert score_table(opened(source), "reviewText", SCORER, {"model": "b"}, output, lambda size: None)["rows_resumed"] == 0


def test_a_folder_through_the_entry_point(launch: Launch, store: str, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    table(folder / "a.csv")
    table(folder / "b.parquet")
    done = launch("entry_points.score", f"--input={folder}", f"--model={MODEL}", f"--output={tmp_path / 'out'}")
    assert done.returncode == 0, done.stderr
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["a.csv", "b.parquet"]
    (run,) = MlflowClient(store).search_runs(["0"])
    assert run.data.tags["step"] == "score"
    assert run.data.metrics["rows_scored"] == 50
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no input"),
        (["--input=/nowhere.csv"], "input=/nowhere.csv"),
        (["--input=data/reviews.txt"], "models:/sentiment@champion"),
        (["--input=data/reviews.txt", "--model=README.md"], "README.md"),
        (["--input=data/reviews.txt", "--output=x.parquet"], "x.parquet"),
        (["--input=data/reviews.txt", "--output=data/reviews.txt"], "data/reviews.txt"),
        (["--input=data/reviews.txt", "--text-column=nosuch"], "nosuch"),
        (["--input=data/reviews.txt", "--engine=abacus"], "abacus"),
    ],
)
def test_what_is_wrong_is_said(launch: Launch, arguments: list[str], said: str) -> None:
    done = launch("entry_points.score", *arguments)
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
