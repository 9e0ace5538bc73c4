"""What a model file remembers of its validation reviews, and what later texts are found to be beside them."""

import csv
import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from sentiment.errors import StepError, UserError
from sentiment.evaluation import drift
from sentiment.evaluation.metrics import SIGNIFICANCE
from sentiment.model import model_file, reference
from sentiment.model.reference import Reference
from sentiment.model.scorer import Scorer
from sentiment.preparation import prepared, preparing
from sentiment.preparation.prepared import Prepared
from sentiment.reviews import find_source
from sentiment.reviews.batch import TEST, VALIDATION
from sentiment.settings import MonitorSettings, PrepareSettings, ScoreSettings
from sentiment.steps import monitor, score
from sentiment.training.trainer_process import Trainer
from sentiment.training.training import Trained

from .processes import Launch
from .trained import train_small

FIXTURES = Path(__file__).parent / "fixtures"
PSI = ("psi_scores", "psi_lengths", "psi_unknown")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, trainers: Callable[[str], Trainer]) -> tuple[Path, Prepared, Trained]:
    """A model, the data that it was trained on, with many validation reviews, and what the training found."""
    folder = tmp_path_factory.mktemp("monitored")
    settings = PrepareSettings(vocabulary_size=800, max_length=60, validation_fraction=0.4)
    data, _ = preparing.prepare(find_source(settings), settings)
    prepared.write(data, folder / "prepared.h5")
    trained = train_small(trainers("tensorflow"), folder / "prepared.h5", folder / "model.h5", architecture="cnn", epochs=2)
    return folder / "model.h5", data, trained


@pytest.fixture
def model(made: tuple[Path, Prepared, Trained]) -> Path:
    return made[0]


@pytest.fixture
def texts(made: tuple[Path, Prepared, Trained]) -> list[tuple[str, int]]:
    """Those of the test split, with their labels."""
    data = made[1]
    return list(zip(data.test_texts, data.labels[data.rows(TEST)].tolist(), strict=True))


@pytest.fixture
def experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """One whose artifacts are the test's own."""
    made = mlflow.create_experiment("monitored", artifact_location=str(tmp_path / "artifacts"))
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", made)
    return str(made)


def newest(experiment: str) -> Run:
    (run,) = MlflowClient().search_runs([experiment], "tags.step = 'monitor'", order_by=["attributes.start_time DESC"], max_results=1)
    return run


def table(path: Path, rows: list[tuple[Any, ...]], *names: str) -> str:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([names, *rows])
    return str(path)


def test_the_index_by_hand() -> None:
    # Shares with half a count added to each: 20.5/42 and 21.5/42 against 35.5/42 and 6.5/42.
    expected = (35.5 - 20.5) / 42 * np.log(35.5 / 20.5) + (6.5 - 21.5) / 42 * np.log(6.5 / 21.5)
    assert drift.psi(np.array([20, 21]), np.array([35, 6])) == pytest.approx(expected)
    assert drift.psi(np.array([10, 30]), np.array([10, 30])) == 0
    assert np.isfinite(drift.psi(np.array([0, 30]), np.array([30, 0])))


def random_reference(random: np.random.Generator, reviews: int) -> Reference:
    values = {"scores": random.random(reviews), "lengths": random.integers(1, 300, reviews), "unknown": random.integers(0, 4, reviews) / 9}
    return reference.summarize(values, np.ones(reviews, bool))


def test_chance_alone_is_seldom_over_what_is_said_of_it() -> None:
    random = np.random.default_rng(3)
    over, tries = dict.fromkeys(reference.MEASURES, 0), 300
    for _ in range(tries):
        values = {"scores": random.random(80), "lengths": random.integers(1, 300, 80), "unknown": random.integers(0, 4, 80) / 9}
        for name, found in drift.from_reference(random_reference(random, 60), values).items():
            over[name] += found.psi > found.chance
    assert max(over.values()) / tries < 2 * SIGNIFICANCE / len(over)


def test_values_that_many_texts_share() -> None:
    """Most texts have no unknown word: then all deciles are the same."""
    values = {"scores": np.linspace(0, 1, 50), "lengths": np.full(50, 7), "unknown": np.zeros(50)}
    kept = reference.summarize(values, np.ones(50, bool))
    same = drift.from_reference(kept, values)
    assert {name: found.psi for name, found in same.items()} == dict.fromkeys(values, 0)
    other = drift.from_reference(kept, values | {"unknown": np.full(50, 0.2), "lengths": np.full(50, 6)})
    assert other["unknown"].psi > 1
    assert other["unknown"].ks == 1
    assert other["scores"].psi == 0


def test_of_many_reviews_quantiles_are_kept() -> None:
    scores = np.random.default_rng(0).random(5000)
    kept = reference.summarize({"scores": scores, "lengths": scores, "unknown": scores}, scores > 0.25)
    assert (kept.reviews, kept.right, len(kept.values["scores"])) == (5000, int((scores > 0.25).sum()), reference.KEPT)
    np.testing.assert_allclose(kept.values["scores"][100:1000:100], np.quantile(scores, drift.DECILES), atol=1e-6)


def test_the_file_has_its_validation_reviews(made: tuple[Path, Prepared, Trained], tmp_path: Path) -> None:
    path, data, trained = made
    read = model_file.read(path)
    kept = read.reference
    assert kept
    rows = data.rows(VALIDATION)
    assert kept.reviews == len(rows)
    assert kept.right / kept.reviews == pytest.approx(trained.summary["model_val_accuracy"])
    np.testing.assert_array_equal(kept.values["lengths"], np.sort(data.words.take(rows).lengths))
    shares = [float(((row < 1) | (row > len(data.encoder.vocabulary))).mean()) for row in map(data.words.row, rows)]
    np.testing.assert_allclose(kept.values["unknown"], np.sort(shares), atol=1e-6)
    assert 0 < kept.values["unknown"][-1] <= 1

    again, without = tmp_path / "again.h5", tmp_path / "without.h5"
    model_file.write(read, again)
    model_file.write(replace(read, reference=None), without)
    np.testing.assert_array_equal(read_values(again), read_values(path))
    assert model_file.read(without).reference is None
    scores = Scorer(path).score(data.test_texts)
    for other in (again, without):
        np.testing.assert_array_equal(Scorer(other).score(data.test_texts), scores)


def read_values(path: Path) -> np.ndarray:
    kept = model_file.read(path).reference
    assert kept
    return np.stack([kept.values[name] for name in reference.MEASURES])


def test_files_of_before_there_was_a_reference(tmp_path: Path) -> None:
    given = table(tmp_path / "t.csv", [("A good film", 1)], "text", "label")
    for name in ("default-bilstm.h5", "cntk-bilstm.h5", "model-1-bilstm.h5"):
        assert model_file.read(FIXTURES / name).reference is None
        with pytest.raises(UserError, match="Train it again"):
            monitor.run(MonitorSettings(input=given, model=str(FIXTURES / name)))
    assert not mlflow.search_runs(search_all_experiments=True, output_format="list")


EDITS: dict[str, tuple[str, Any]] = {
    "a score that is no number": ("scores", lambda values: np.append(values[:-1], np.nan)),
    "scores over 1": ("scores", lambda values: values + 1),
    "not ascending": ("lengths", lambda values: values[::-1]),
    "an endless length": ("lengths", lambda values: np.append(values[:-1], np.inf)),
    "below 0": ("unknown", lambda values: values - 2),
    "too few": ("unknown", lambda values: values[1:]),
    "two dimensions": ("scores", lambda values: values[:, None]),
    "whole numbers": ("scores", lambda values: values.astype(np.int64)),
    "none": ("scores", lambda values: values[:0]),
    "more right than there are": ("right", lambda values: np.array([values[1] + 1, values[1]])),
    "nothing validated": ("right", lambda values: np.zeros(2, np.int64)),
    "three counts": ("right", lambda values: np.append(values, 1)),
}


@pytest.mark.parametrize("case", EDITS)
def test_a_reference_is_checked_like_the_rest(case: str, model: Path, tmp_path: Path) -> None:
    path, (name, change) = tmp_path / "edited.h5", EDITS[case]
    shutil.copyfile(model, path)
    with h5py.File(path, "r+") as file:
        group = file["sentiment/reference"]
        values = group[name][:]
        del group[name]
        group[name] = change(values)
    with pytest.raises(UserError, match=r"edited\.h5"):
        model_file.read(path)


def test_texts_as_they_were(model: Path, texts: list[tuple[str, int]], experiment: str, tmp_path: Path) -> None:
    """Raw ones, and the same with the scores that `score` gave them; the labels are the given ones, not those of the model."""
    given = table(tmp_path / "raw.csv", [*texts, ("", 1)], "reviewText", "label")
    monitor.run(MonitorSettings(input=given, model=str(model)))
    raw = newest(experiment)
    assert raw.info.status == "FINISHED"
    assert raw.data.metrics["rows_bad"] == 1
    assert raw.data.metrics["texts"] == raw.data.metrics["labelled"] == len(texts)
    labels = np.array([label for _, label in texts])
    accuracy = float(((Scorer(model).score([text for text, _ in texts]) >= 0.5) == labels).mean())
    assert raw.data.metrics["accuracy"] == pytest.approx(accuracy)
    assert accuracy < 1
    picture = Path(MlflowClient().download_artifacts(raw.info.run_id, "drift.png", str(tmp_path)))
    assert picture.read_bytes().startswith(b"\x89PNG")

    score.run(ScoreSettings(input=given, model=str(model)))
    monitor.run(MonitorSettings(input=str(tmp_path / "raw.scored.csv"), model=str(model)))
    scored = newest(experiment)
    assert {name: scored.data.metrics[name] for name in (*PSI, "accuracy", "ks_scores")} == pytest.approx(
        {name: raw.data.metrics[name] for name in (*PSI, "accuracy", "ks_scores")}
    )
    monitor.run(MonitorSettings(input=str(tmp_path / "raw.scored.csv"), model=str(model), label_column="none"))
    assert "accuracy" not in newest(experiment).data.metrics


def test_the_tables_of_a_folder_count_as_one(model: Path, texts: list[tuple[str, int]], experiment: str, tmp_path: Path) -> None:
    """As `score` leaves it: with a list of bad rows among them."""
    monitor.run(MonitorSettings(input=table(tmp_path / "all.csv", texts, "text", "label"), model=str(model)))
    whole = newest(experiment).data.metrics
    parts = tmp_path / "parts"
    parts.mkdir()
    table(parts / "a.csv", [*texts[:30], ("", 1)], "text", "label")
    table(parts / "b.csv", texts[30:], "text", "label")
    score.run(ScoreSettings(input=str(parts), model=str(model)))
    scored = tmp_path / "parts.scored"
    assert (scored / "a.csv.bad.jsonl").is_file()
    monitor.run(MonitorSettings(input=str(scored), model=str(model)))
    found = newest(experiment).data.metrics
    assert {name: found[name] for name in (*PSI, "accuracy", "texts")} == pytest.approx(
        {name: whole[name] for name in (*PSI, "accuracy", "texts")}
    )
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="has no tables"):
        monitor.run(MonitorSettings(input=str(tmp_path / "empty"), model=str(model)))


def test_without_labels_what_the_model_says_is_not_taken_for_one(
    model: Path, texts: list[tuple[str, int]], experiment: str, tmp_path: Path
) -> None:
    given = table(tmp_path / "raw.csv", [(text,) for text, _ in texts], "text")
    score.run(ScoreSettings(input=given, model=str(model)))
    monitor.run(MonitorSettings(input=str(tmp_path / "raw.scored.csv"), model=str(model)))
    assert "accuracy" not in newest(experiment).data.metrics


@pytest.mark.slow
def test_other_texts_end_with_status_1(call: Launch, model: Path, experiment: str, tmp_path: Path) -> None:
    rows = [(f"zzyzx{number} qqfrob vexillum trundle of grommets {'and sprockets ' * (number % 9)}",) for number in range(60)]
    done = call("entry_points.monitor", f"--input={table(tmp_path / 'other.csv', rows, 'text')}", f"--model={model}")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "PSI of unknown words" in line
    run = newest(experiment)
    assert run.info.status == "FAILED"
    assert "over 0.2" in run.data.tags["failure"]
    assert run.data.metrics["psi_unknown"] > 0.2
    assert run.data.metrics["ks_p_unknown"] < 0.001
    assert "drift.png" in [file.path for file in MlflowClient().list_artifacts(run.info.run_id)]
    monitor.run(MonitorSettings(input=str(tmp_path / "other.csv"), model=str(model), limit=100))


def test_labels_that_the_model_no_longer_meets(model: Path, texts: list[tuple[str, int]], experiment: str, tmp_path: Path) -> None:
    wrong = [(text, "bad" if label else "good") for text, label in texts]
    given = table(tmp_path / "wrong.csv", [*wrong, (texts[0][0], ""), (texts[1][0], "so-so")], "text", "opinion")
    labels: dict[str, Any] = {"label_column": "opinion", "positive": "good", "negative": "bad"}
    with pytest.raises(StepError, match=r"accuracy 0\.\d+, where it was 0\.\d+ on validation"):
        monitor.run(MonitorSettings(input=given, model=str(model), **labels))
    assert newest(experiment).data.metrics["labelled"] == len(wrong)
    monitor.run(MonitorSettings(input=given, model=str(model)))  # no column is called as labels are


def test_few_texts_are_no_alarm(
    model: Path, texts: list[tuple[str, int]], experiment: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monitor.run(MonitorSettings(input=table(tmp_path / "few.csv", texts[:4], "text", "label"), model=str(model)))
    assert max(newest(experiment).data.metrics[name] for name in PSI) > 0.2
    assert any("chance" in message and "give more" in message for message in caplog.messages)


WRONG: list[tuple[tuple[str, ...], list[tuple[Any, ...]], dict[str, Any], str]] = [
    (("text", "label", "score"), [("A good film", "positive", 2), ("A bad film", "negative", 0.999999)], {}, "not this model's"),
    (("text", "mine"), [("A good film", 0.5)], {"score_column": "yours"}, "score_column=yours"),
    (("text", "label"), [("A good film", "so-so")], {}, "label_column=none"),
    (("text",), [("",)], {}, "nothing to monitor"),
    (("text", "label"), [("A good film", 1)], {"label_column": "text"}, "two things"),
    (("text", "label"), [("A good film", 1)], {"positive": "1"}, "Only one of positive and negative"),
]


def test_what_is_wrong_is_said(model: Path, tmp_path: Path) -> None:
    for names, rows, more, said in WRONG:
        with pytest.raises(UserError, match=said) as error:
            monitor.run(MonitorSettings(input=table(tmp_path / "t.csv", rows, *names), model=str(model), **more))
        assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="no such file"):
        monitor.run(MonitorSettings(input=str(tmp_path / "none.csv"), model=str(model)))
    assert not mlflow.search_runs(search_all_experiments=True, output_format="list")
