"""Scoring jobs that are cut off and go on, and two that would write one output."""

import signal
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from sentiment.batch_scoring import local_scoring
from sentiment.batch_scoring.local_scoring import only_writer, score_table
from sentiment.errors import UserError
from sentiment.model.scorer import Scorer
from tests.processes import DEADLINE, Begin, Launch, halt_when
from tests.test_scoring import MODEL, SCORER, opened, scored, table


def test_one_job_at_a_time_writes_an_output(tmp_path: Path) -> None:
    source = table(tmp_path / "in.csv")
    with only_writer(tmp_path / "out.csv"), pytest.raises(UserError, match="Another job writes that output"):
        scored(source)
    assert scored(source).exists()
    assert {file.name for file in tmp_path.iterdir()} <= {"in.csv", "out.csv", "mlflow.db", "mlruns"}


def test_a_job_that_was_cut_off_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_scoring, "PART_ROWS", 4)
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


@pytest.mark.parametrize(
    ("content", "before", "after"),
    [
        ("1,Хороший фильм\n2,Плохой фильм\n".encode("cp1251"), {"encoding": "cp1251"}, {"encoding": "koi8-r"}),
        (b"1,a fine;film\n2,a dull;film\n", {"separator": ","}, {"separator": ";"}),
        (b'1,"a ""fine\\"" film"\n2,a dull film\n', {"escape": "none"}, {"escape": "backslash"}),
    ],
    ids=["encoding", "separator", "escape"],
)
def test_a_job_that_was_cut_off_does_not_go_on_in_another_reading(
    tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch, content: bytes, before: dict[str, str], after: dict[str, str]
) -> None:
    """The parts that are done are those of the first reading, which would be mixed with those of the second."""
    monkeypatch.setattr(local_scoring, "PART_ROWS", 1)
    source = tmp_path / "in.csv"
    source.write_bytes(content)
    settings: dict[str, str | bool] = {"header": False, "text_column": "2"}

    def cut_off(**reading: str) -> None:
        judge = Scorer.score

        def score_one(scorer: Scorer, texts: list[str]) -> np.ndarray:
            monkeypatch.setattr(Scorer, "score", stop)
            return judge(scorer, texts)

        def stop(scorer: Scorer, texts: list[str]) -> np.ndarray:
            raise KeyboardInterrupt

        monkeypatch.setattr(Scorer, "score", score_one)
        with pytest.raises(KeyboardInterrupt):
            scored(source, **settings, **reading)
        monkeypatch.setattr(Scorer, "score", judge)

    def resumed() -> float:
        (run,) = MlflowClient(store).search_runs(["0"], max_results=1)
        return run.data.metrics["rows_resumed"]

    cut_off(**before)
    as_before = scored(source, **settings, **before).read_bytes()
    assert resumed() == 1
    cut_off(**before)
    otherwise = scored(source, **settings, **after).read_bytes()
    assert resumed() == 0
    assert otherwise == scored(source, **settings, **after).read_bytes() != as_before


@pytest.mark.slow
def test_two_jobs_at_once_do_not_write_one_output(begin: Begin, call: Launch, tmp_path: Path) -> None:
    source, output = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("text\n" + "a fine film\n" * 50_000)
    arguments = (f"--input={source}", f"--model={MODEL}", f"--output={output}")
    first = begin("entry_points.score", *arguments)
    lock = tmp_path / "out.csv.lock"
    halt_when(first, lock.exists)  # so that it can't end before the second has tried
    try:
        second = call("entry_points.score", *arguments)
    finally:
        first.send_signal(signal.SIGCONT)
    assert (second.returncode, len(second.stderr.splitlines())) == (2, 1)
    assert "Another job writes that output" in second.stderr
    _, errors = first.communicate(timeout=DEADLINE)
    assert first.returncode == 0, errors
    assert len(output.read_text().splitlines()) == 50_001
    assert {file.name for file in tmp_path.glob("out*")} == {"out.csv"}
