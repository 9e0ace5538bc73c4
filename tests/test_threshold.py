"""From which score on a review is positive: how that is chosen, kept in the file, and used by whatever names labels."""

import shutil
from pathlib import Path

import h5py
import mlflow
import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from sentiment.errors import UserError
from sentiment.evaluation import metrics
from sentiment.model import model_file
from sentiment.model.scorer import Scorer
from sentiment.preparation import prepared
from sentiment.reviews.batch import VALIDATION
from sentiment.serving import served_model
from sentiment.settings import MainSettings, ScoreSettings, TrainSettings, TuneSettings, from_text, parameters
from sentiment.settings.threshold import parse
from sentiment.steps import evaluate, score
from sentiment.training import ensemble, ngram_regression
from sentiment.training.threshold import choose
from tests.processes import Launch
from tests.trained import SIZES, Trainers, train_small

FILE = Path(__file__).parent / "fixtures" / "default-bilstm.h5"
TEXTS = ["wonderful film", "fine", "dull", "a terrible mess", "so so"]
LABELS = np.array([0, 0, 1, 0, 1, 1])
SCORES = np.array([0.1, 0.6, 0.7, 0.75, 0.8, 0.9])


@pytest.mark.parametrize("text", ["0", "1", "-0.5", "nan", "inf", "half", "precision", "precision:", "precision:1.5", "auto:0.5", "0.5:1"])
def test_a_threshold_that_is_none_is_refused(text: str) -> None:
    for kind in (TrainSettings, MainSettings, TuneSettings):
        declared = next(parameter for parameter in parameters(kind) if parameter.name == "threshold")
        with pytest.raises(UserError, match=f"Received: threshold={text}"):
            from_text(declared, text)


def test_the_best_balanced_accuracy() -> None:
    chosen = choose(parse("auto"), LABELS, SCORES)
    assert chosen.value == pytest.approx(0.65)
    assert "0.8333, of 6 validation reviews" in chosen.note
    for other in np.linspace(0.01, 0.99, 99):
        assert metrics.measure(LABELS, SCORES, other)["balanced_accuracy"] <= metrics.measure(LABELS, SCORES, 0.65)["balanced_accuracy"]
    assert choose(parse("auto"), LABELS, np.array([0.1, 0.2, 0.7, 0.3, 0.8, 0.9])).value == 0.5  # where as good as any


def test_the_smallest_threshold_with_a_precision() -> None:
    for wanted, value in ((0.5, 0.1), (0.6, 0.6), (0.7, 0.7), (0.95, 0.8)):
        chosen = choose(parse(f"precision:{wanted}"), LABELS, SCORES)
        assert (chosen.value, chosen.missed) == (value, False)
    chosen = choose(parse("precision:0.95"), 1 - LABELS, SCORES)
    assert (chosen.value, chosen.missed) == (0.5, True)
    assert "no threshold has a precision of 0.95 on the 6 validation reviews, where the best is 0.5000" in chosen.note


def test_it_is_chosen_on_cross_fitted_scores_and_kept_in_the_file(trainers: Trainers, small: Path, tmp_path: Path) -> None:
    path, data = tmp_path / "model.h5", prepared.read(small)
    labels = data.labels[data.rows(VALIDATION)].astype(np.int64)
    trained = train_small(trainers("tensorflow"), small, path, architecture="cnn", epochs=2, threshold="auto")
    scorer = Scorer(path)
    network = scorer.outputs(scorer.model.encoder.encode_numbers(data.words.take(data.rows(VALIDATION))))["network_logit"]
    ngrams = ngram_regression.fit(data, SIZES["ngrams"], 1).val_logits
    scores = expit(ensemble.cross_fitted(np.column_stack([network, ngrams]), labels, 1))
    assert scorer.threshold == trained.summary["threshold"] == trained.threshold.value
    assert scorer.threshold == pytest.approx(choose(parse("auto"), labels, scores).value, abs=1e-4)
    assert trained.summary["model_val_accuracy"] == metrics.accuracy(labels, scores, scorer.threshold)
    assert model_file.read(path).settings["threshold"] == "auto"


def with_threshold(folder: Path, value: object) -> Path:
    path = shutil.copyfile(FILE, folder / "model.h5")
    with h5py.File(path, "r+") as file:
        file["sentiment"].attrs["threshold"] = value
    return Path(path)


def test_a_file_without_one_is_of_a_half(tmp_path: Path) -> None:
    with h5py.File(FILE) as file:
        assert "threshold" not in file["sentiment"].attrs
    assert Scorer(FILE).threshold == 0.5
    model_file.write(model_file.read(with_threshold(tmp_path, 0.625)), tmp_path / "again.h5")
    assert model_file.read(tmp_path / "again.h5").threshold == 0.625


@pytest.mark.parametrize("value", [np.nan, -0.1, 1.5, "0.5", [0.5], 1, np.bytes_(b"0.5")])
def test_a_file_with_what_is_none_is_refused(value: object, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the attribute threshold is"):
        model_file.read(with_threshold(tmp_path, value))


def test_whatever_names_labels_keeps_to_it(tmp_path: Path, small: Path) -> None:
    """The tables, the served model, and what is measured on the test split: at a threshold that is one of the scores."""
    scores = Scorer(FILE).score(TEXTS)
    threshold = float(sorted(scores)[-2])
    expected = ["positive" if score >= threshold else "negative" for score in scores.tolist()]
    assert sorted(expected) == ["negative"] * 3 + ["positive"] * 2
    model = with_threshold(tmp_path, threshold)
    pd.DataFrame({"text": TEXTS}).to_csv(tmp_path / "in.csv", index=False)
    score.run(ScoreSettings(input=str(tmp_path / "in.csv"), model=str(model)))
    assert pd.read_csv(tmp_path / "in.scored.csv")["label"].tolist() == expected
    served_model.save(model, tmp_path / "served")
    served = mlflow.pyfunc.load_model(str(tmp_path / "served"))
    assert served.predict(pd.DataFrame({"reviewText": TEXTS}))["label"].tolist() == expected
    data, scorer = prepared.read(small), Scorer(with_threshold(tmp_path, 0.9))
    positive = scorer.score(data.test_texts).astype(float) >= 0.9
    measured = evaluate.test_metrics(evaluate.score(scorer, data))["test_accuracy"]
    assert (
        measured
        == np.mean(positive == (data.labels[data.rows(2)] == 1))
        != evaluate.test_metrics(evaluate.score(Scorer(FILE), data))["test_accuracy"]
    )


def test_what_is_wrong_is_said_before_anything_is_done(call: Launch) -> None:
    done = call("entry_points.main", "--threshold=precision:2")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert "threshold=precision:2" in done.stderr
