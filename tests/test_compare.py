"""Runs side by side: the figures, the page and its tables, and what can't be compared."""

import logging
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from playwright.sync_api import expect

from sentiment.errors import UserError
from sentiment.evaluation import comparison
from sentiment.evaluation.comparison import Candidate
from sentiment.report import comparison_page
from sentiment.settings import CompareSettings, PrepareSettings, TrainSettings
from sentiment.steps import compare, prepare, train

from .mlflow_pages import browser_page
from .pages import find_chromium
from .processes import Launch

SMALL: dict[str, Any] = {"sample": 80, "vocabulary_size": 300, "max_length": 40}
QUICK: dict[str, Any] = {"architecture": "cnn", "filters": 20, "dense_size": 10, "epochs": 1, "ngrams": 500}


@pytest.fixture
def experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """One whose artifacts are the test's own."""
    made = mlflow.create_experiment("compared", artifact_location=str(tmp_path / "artifacts"))
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", made)
    return str(made)


def compared(experiment: str) -> list[Run]:
    return list(MlflowClient().search_runs([experiment], "tags.step = 'compare'"))


def candidate(name: str, scores: list[float], **more: Any) -> Candidate:
    parts = {"model": np.array(scores, np.float32)}
    return Candidate(name, f"id of {name}", more, parts, None, None, 1_250_000, 10)


def test_the_figures_by_hand() -> None:
    labels = np.array([1, 0] * 5)
    right = [0.9, 0.1] * 5
    worse = [0.2, 0.8, 0.3, *right[3:]]
    made = comparison.compare(labels, [candidate("a", right), candidate("b", worse, seed="2")])
    assert made.models[0].accuracy["model"].value == 1
    share = made.models[1].accuracy["model"]
    # Wilson 1927, by hand: centre (7 + 1.9208) / (10 + 3.8415), and about it 1.96 / 13.8415 * sqrt(7 * 3 / 10 + 0.9604)
    assert (share.value, share.low, share.high) == pytest.approx((0.7, 0.39678, 0.89221), abs=1e-4)
    (pair,) = made.pairs
    assert (pair.only_one_right, pair.only_other_right, pair.difference) == (3, 0, 0.3)
    assert pair.p == pytest.approx(2 * 0.5**3)
    assert pair.scores == pytest.approx(0.7)
    assert made.settings == {"seed": ["–", "2"]}


def test_the_page_is_one_file_and_shows_names_as_text() -> None:
    labels, evil = np.array([1, 0] * 5), "<script>alert(1)</script>"
    made = comparison.compare(labels, [candidate(evil, [0.9, 0.1] * 5, device=evil), candidate("b", [0.6] * 10, device="cpu")])
    page = comparison_page.page(made, reviews=evil, fingerprint="ab" * 32, run_id="1" * 32, where="sqlite:///mlflow.db")
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 4
    assert not re.findall(r"(?:src|href)=\"(?!#|data:)[^\"]*\"|url\((?!#)|@import", page), "it asks for another file"
    assert "Nothing is chosen" in page
    assert "prefers-color-scheme: dark" in page


@pytest.mark.skipif(find_chromium() is None, reason="There is no Chromium on this machine: apt-get install chromium.")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_its_window_and_has_its_tables(tmp_path: Path, scheme: str) -> None:
    names = [f"{backend} bilstm {'0123456789abcdef'[at:] * 2}" for at, backend in enumerate(("tensorflow", "cntk", "jax", "torch"))]
    models = [candidate(name, [0.9, 0.1] * 5, seed=str(at), reviews="a long name of a file " * 3) for at, name in enumerate(names)]
    parts = dict.fromkeys(("model", "network", "ngrams"), models[0].parts["model"])
    made = comparison.compare(np.array([1, 0] * 5), [replace(models[0], parts=parts), *models[1:]])
    file = tmp_path / "comparison.html"
    file.write_text(comparison_page.page(made, reviews="reviews.txt", fingerprint="ab" * 32, run_id="1" * 32, where="sqlite:///mlflow.db"))
    with browser_page() as page:
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for width in (400, 800, 1300, 1920):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(file.as_uri())
            assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0, width
            tables = page.get_by_role("table")
            assert [tables.nth(at).locator("tbody tr").count() for at in range(tables.count())] == [4, 4, 6, 4, 1]
            expect(page.get_by_role("rowheader", name=f"{names[0]} − {names[3]}")).to_be_visible()
        back = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (int(re.findall(r"\d+", back)[0]) < 128) == (scheme == "dark")
        assert not said


@pytest.mark.slow
def test_runs_that_there_are(tmp_path: Path, experiment: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    data = prepare.run(PrepareSettings(**SMALL))
    network = train.run(TrainSettings(**QUICK | {"backend": "cntk"})).run_id
    other, ngrams = (train.run(TrainSettings(backend="cntk", architecture="ngrams", ngrams=500, seed=seed)).run_id for seed in (1, 2))
    with pytest.raises(UserError, match=f"which is {ngrams}"):  # the newest of the only backend
        compare.run(CompareSettings())
    assert not compared(experiment)

    compare.run(CompareSettings(runs=f"{network}, {ngrams},{network}"))
    (run,) = compared(experiment)
    assert (run.info.status, run.data.tags["compared_run_ids"]) == ("FINISHED", f"{network},{ngrams}")
    assert "| cntk cnn | 0." in run.data.tags["mlflow.note.content"]
    assert "-e register" in run.data.tags["mlflow.note.content"]
    assert run.data.tags["data_fingerprint"] == mlflow.get_run(network).data.tags["data_fingerprint"]
    (dataset,) = mlflow.get_run(run.info.run_id).inputs.dataset_inputs  # type: ignore[union-attr]
    assert dataset.dataset.name.endswith("test")
    figures = run.data.metrics
    assert figures["accuracy_low/cntk cnn"] <= figures["accuracy/cntk cnn"] <= figures["accuracy_high/cntk cnn"]
    assert figures["tokens_per_second/cntk cnn"] > 0
    assert "tokens_per_second/cntk ngrams" not in figures
    assert "accuracy_network/cntk ngrams" not in figures
    for name, run_id in (("cntk cnn", network), ("cntk ngrams", ngrams)):
        model = MlflowClient().download_artifacts(run_id, "model.h5", str(tmp_path))
        assert figures[f"model_bytes/{name}"] == Path(model).stat().st_size
    assert 0 < figures["p/cntk cnn - cntk ngrams"] <= 1

    folder = Path(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, dst_path=str(tmp_path / "run")))
    page = (folder / "comparison.html").read_text()
    assert network[:8] in page
    assert ngrams[:8] in page
    table = mlflow.load_table("comparison.json", run_ids=[run.info.run_id])
    assert table["run_id"].tolist() == [network, ngrams]
    assert {"comparison.csv", "pairs.csv", "pairs.json"} <= {file.name for file in folder.iterdir()}
    (place,) = (message.rpartition("The page: ")[2] for message in caplog.messages if "The page: " in message)
    assert Path(place).read_text() == page
    assert any("cntk cnn" in message and "accuracy" in message for message in caplog.messages)

    (tmp_path / "artifacts" / ngrams / "artifacts" / "model.h5").unlink()
    MlflowClient().set_tag(other, "data_fingerprint", "ab" * 32)
    for runs, said in ((f"{network},{other}", "different data"), (f"{network},{ngrams}", "no model.h5"), (network, "At least two"),
                       (f"{network},{data.run_id}", "another step"), (f"{network},none", "no such run")):  # fmt: skip
        with pytest.raises(UserError, match=said) as error:
            compare.run(CompareSettings(runs=runs))
        assert "\n" not in str(error.value)
    assert len(compared(experiment)) == 1


@pytest.mark.slow
def test_backends_are_trained_first(experiment: str) -> None:
    prepare.run(PrepareSettings(**SMALL))
    compare.run(CompareSettings(backends="tensorflow,jax"))
    (run,) = compared(experiment)
    trained = MlflowClient().search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'")
    assert {each.data.params["backend"] for each in trained} == {"tensorflow", "jax"}
    assert {each.data.tags["prepared_run_id"] for each in trained} == {run.data.tags["prepared_run_id"]}
    assert run.data.metrics["training_seconds/jax"] > 0
    compare.run(CompareSettings())  # the newest of each are these
    again = compared(experiment)[0]
    assert set(again.data.tags["compared_run_ids"].split(",")) == {each.info.run_id for each in trained}
    assert again.data.metrics["accuracy/jax"] == run.data.metrics["accuracy/jax"]


def test_what_is_wrong_is_said(experiment: str) -> None:
    for settings, said in (
        (CompareSettings(), "no trained model"),
        (CompareSettings(backends="abacus"), "backends=abacus"),
        (CompareSettings(backends="tensorflow, tensorflow"), "At least two"),
        (CompareSettings(backends="all", runs="1,2"), "Leave one of the two out"),
        (CompareSettings(backends="tensorflow,jax"), "no prepared data"),
    ):
        with pytest.raises(UserError, match=said):
            compare.run(settings)
    assert not compared(experiment)


def test_one_line_and_exit_status_2(call: Launch) -> None:
    done = call("entry_points.compare", "--runs=nosuch")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert "runs=nosuch" in done.stderr
