"""What is measured of scores, and that plots draw it: their lines and bars, not their pixels."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, roc_curve

from sentiment.evaluation import metrics
from sentiment.evaluation.scored import Scored
from sentiment.plots import learning, reviews, scores, style


@pytest.fixture
def scored() -> Scored:
    random = np.random.default_rng(1)
    labels = random.integers(0, 2, 90)
    parts = {name: 1 / (1 + np.exp(-random.normal(labels * 2 - 1, 1.5))) for name in ("network", "ngrams", "model")}
    return Scored("test", labels, random.integers(2, 300, 90), parts)


def test_the_calibration_error_of_a_case_by_hand() -> None:
    """0 to 0.1: score 0.04, none of one is positive; 0.2 to 0.3: mean 0.25, one of two; 0.9 to 1: mean 0.95, three of four."""
    values = np.array([0.22, 0.28, 0.9, 1.0, 0.95, 0.95, 0.04])
    labels = np.array([0, 1, 1, 1, 1, 0, 0])
    counts, predicted, observed = metrics.calibration_bins(labels, values)
    assert counts.tolist() == [1, 2, 4]
    assert predicted == pytest.approx([0.04, 0.25, 0.95])
    assert observed.tolist() == [0, 0.5, 0.75]
    measured = metrics.measure(labels, values)
    assert measured["ece"] == pytest.approx((1 * 0.04 + 2 * 0.25 + 4 * 0.2) / 7)
    assert measured["brier"] == pytest.approx(((values - labels) ** 2).mean()) == brier_score_loss(labels, values)


def test_the_interval_is_that_of_wilson() -> None:
    """Of 8 in 10: Wilson's own formula with z = 1.96."""
    low, high = metrics.accuracy_interval(np.ones(10, int), np.array([0.9] * 8 + [0.1] * 2))
    z, share, n = 1.959964, 0.8, 10
    middle, half = share + z**2 / (2 * n), z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    assert (low, high) == pytest.approx(((middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)), abs=1e-6)


def test_the_curves_are_those_of_the_scores(scored: Scored) -> None:
    (axes,) = scores.roc(scored).axes
    for line, part in zip(axes.lines[1:], ("network", "ngrams", "model"), strict=True):
        false, true, _ = roc_curve(scored.labels, scored.parts[part])
        assert (line.get_xdata().tolist(), line.get_ydata().tolist()) == (false.tolist(), true.tolist())  # type: ignore[union-attr]
        assert f"AUC {metrics.measure(scored.labels, scored.parts[part])['auc']:.3f}" in str(line.get_label())
    (axes,) = scores.precision_recall(scored).axes
    base, *lines = axes.lines
    assert base.get_ydata()[0] == scored.labels.mean()  # type: ignore[index]
    assert len(lines) == 3
    (axes,) = scores.calibration(scored).axes
    _, predicted, observed = metrics.calibration_bins(scored.labels, scored.scores)
    assert (axes.lines[-1].get_xdata().tolist(), axes.lines[-1].get_ydata().tolist()) == (predicted.tolist(), observed.tolist())  # type: ignore[union-attr]
    assert f"ECE {metrics.calibration_error(scored.labels, scored.scores):.3f}" in str(axes.lines[-1].get_label())


def test_bars_cells_and_groups_have_all_reviews(scored: Scored) -> None:
    (axes,) = scores.histogram(scored).axes
    heights = [bar.get_height() for bar in axes.patches]  # type: ignore[attr-defined]
    assert sum(heights[:20]) == (scored.labels == 0).sum()
    assert sum(heights) == len(scored.labels)
    (axes,) = scores.confusion(scored).axes
    counts = [int(text.get_text().split("\n")[0]) for text in axes.texts]
    guesses = scored.scores >= 0.5
    assert counts == [int(((scored.labels == label) & (guesses == guess)).sum()) for label in (0, 1) for guess in (False, True)]
    (axes,) = scores.by_length(scored).axes
    sizes = [int(re.findall(r"\n(\d+) reviews", label.get_text())[0]) for label in axes.get_xticklabels()]
    assert sum(sizes) == 90
    drawn = [float(line.get_ydata()[0]) for line in axes.lines if line.get_marker() == "o"]  # type: ignore[index, arg-type]
    assert np.average(drawn, weights=sizes) == pytest.approx(metrics.accuracy(scored.labels, scored.scores))


@pytest.mark.parametrize("lengths", [np.full(90, 3), np.arange(90)])
def test_lengths_that_are_all_equal_are_one_group(scored: Scored, lengths: np.ndarray) -> None:
    (axes,) = scores.by_length(Scored("test", scored.labels, lengths, scored.parts)).axes
    assert len(axes.containers) == min(len(set(lengths.tolist())), 5)


def test_few_reviews_and_a_model_of_one_part_are_drawn() -> None:
    few = Scored("validation", np.array([0, 1]), np.array([1, 9]), {"model": np.array([0.0, 1.0])})
    drawn = scores.every(few)
    assert [str(line.get_label()) for line in drawn["validation_roc"].axes[0].lines[1:]] == ["model: AUC 1.000"]
    assert all(style.svg(figure) for figure in drawn.values())


def test_learning_curves_mark_the_kept_epoch() -> None:
    train = [{"train_loss": at / 10, "train_accuracy": at / 10} for at in range(4)]
    epochs = [each | {"val_loss": 1 + each["train_loss"], "val_accuracy": 1 + each["train_accuracy"]} for each in train]
    loss, accuracy = learning.curves(epochs, 3).axes
    for axes in (loss, accuracy):
        training, validation, kept = axes.lines
        assert np.asarray(training.get_xdata()).tolist() == [1, 2, 3, 4]
        assert np.asarray(training.get_ydata()).tolist() == pytest.approx([0, 0.1, 0.2, 0.3])
        assert np.asarray(validation.get_ydata()).tolist() == pytest.approx([1, 1.1, 1.2, 1.3])
        assert np.asarray(kept.get_xdata()).tolist() == [3, 3]
    before = {"val_loss": 2.0, "val_accuracy": 2.0}
    training, validation, kept = learning.curve("loss", [before, *epochs], 0).axes[0].lines
    assert [np.asarray(line.get_xdata()).tolist() for line in (training, validation, kept)] == [[1, 2, 3, 4], [0, 1, 2, 3, 4], [0, 0]]


def test_every_axis_has_a_name_and_a_drawing_is_one_of_its_page(scored: Scored) -> None:
    figures = scores.every(scored) | {"lengths": reviews.lengths(scored.lengths, scored.labels, 200)}
    assert style.svg(scores.roc(scored)) == style.svg(figures["test_roc"])
    for name, figure in figures.items():
        for axes in figure.axes:
            assert axes.get_xlabel(), name
            assert axes.get_ylabel(), name
        drawing = style.svg(figure)
        assert "currentColor" in drawing
        assert style.GREY not in drawing
        ElementTree.fromstring(drawing)
        ids = re.findall(r' id="([^"]+)"', drawing)
        assert set(re.findall(r"(?:url\(|href=\")#(\w+)", drawing)) <= set(ids)
        assert not [each for each in ids if "_" in each]
        assert len(style.png(figure)) < 100_000
