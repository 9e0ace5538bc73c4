"""How logits are combined, against models that are known."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold

from sentiment.training import ensemble


def drawn(count: int, weights: list[float], intercept: float = 0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels that a logistic model with these weights gives them."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (count, len(weights)))
    return logits, (random.random(count) < expit(logits @ weights + intercept)).astype(np.int64)


@pytest.mark.parametrize("weights", [[0.8, 0.3], [1.5], [0.2, 0.6, 0.4]])
def test_of_many_reviews_the_most_likely_weights_are_learned(weights: list[float]) -> None:
    logits, labels = drawn(20_000, weights, 0.4)
    learned = ensemble.fit(logits, labels)
    likeliest = LogisticRegression(C=np.inf, tol=1e-8).fit(logits, labels)
    np.testing.assert_allclose(learned.weights, likeliest.coef_[0], rtol=0, atol=1e-3)
    assert learned.intercept == pytest.approx(likeliest.intercept_[0], abs=1e-3)
    np.testing.assert_allclose([*learned.weights, learned.intercept], [*weights, 0.4], rtol=0, atol=0.08)
    np.testing.assert_allclose(learned.apply(logits), likeliest.decision_function(logits), rtol=0, atol=0.02)
    assert learned.reviews == len(labels)


def test_no_weight_is_negative() -> None:
    logits, labels = drawn(5_000, [1.0, -0.4])
    assert LogisticRegression(C=np.inf).fit(logits, labels).coef_[0, 1] < -0.3
    learned = ensemble.fit(logits, labels)
    assert learned.weights[1] == 0
    alone = LogisticRegression(C=np.inf).fit(logits[:, :1], labels)
    assert learned.weights[0] == pytest.approx(alone.coef_[0, 0], abs=0.01)


@pytest.mark.parametrize("better", [0, 1])
def test_few_reviews_leave_it_near_equal_shares(better: int) -> None:
    """Twelve reviews, of which one logit is right every time and the other by chance."""
    logits, labels = drawn(12, [0.0, 0.0])
    logits[:, better] = 2 * labels - 1
    learned = ensemble.fit(logits, labels)
    likeliest = LogisticRegression(C=1e6).fit(logits, labels)
    assert likeliest.coef_[0, better] > 5
    assert 0.5 < learned.weights[better] < 1.2
    assert learned.weights[1 - better] == pytest.approx(0.5, abs=0.5)
    assert abs(learned.intercept) < 0.5
    prior = ensemble.fit(logits[:0], labels[:0])
    assert (prior.weights.tolist(), prior.intercept) == ([0.5, 0.5], 0)


def test_the_result_is_the_most_probable_under_the_prior() -> None:
    """There the slope of the reviews and that of the prior, taken by hand, cancel."""
    logits, labels = drawn(40, [0.8, 0.3], seed=1)
    learned = ensemble.fit(logits, labels)
    values = np.append(learned.weights, learned.intercept)
    slope = np.column_stack([logits, np.ones(40)]).T @ (expit(learned.apply(logits)) - labels)
    assert (learned.weights > 0).all()
    np.testing.assert_allclose(slope + (values - [0.5, 0.5, 0]) / ensemble.PRIOR_DEVIATION**2, 0, atol=1e-3)


def test_a_review_is_not_combined_by_its_own_label(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ensemble, "StratifiedKFold", KFold)  # whose folds are the same whatever the labels
    logits, labels = drawn(40, [0.8, 0.3])
    combined = ensemble.cross_fitted(logits, labels, 1)
    for at in range(0, len(labels), 5):
        flipped = labels.copy()
        flipped[at] = 1 - flipped[at]
        changed = ensemble.cross_fitted(logits, flipped, 1) != combined
        assert not changed[at]
        assert changed.sum() == 32  # those of the four other folds


def test_every_review_is_combined_by_what_others_taught() -> None:
    """Labels of chance: a combination that had seen them would seem better than guessing."""
    logits, _ = drawn(200, [0.0] * 20)
    labels = np.random.default_rng(5).integers(0, 2, 200)
    seen = ensemble.fit(logits, labels).apply(logits)
    combined = ensemble.cross_fitted(logits, labels, 1)
    assert ((seen > 0) == labels).mean() > 0.58
    assert ((combined > 0) == labels).mean() < 0.54


@pytest.mark.parametrize("labels", [[1, 1, 1, 1], [0, 0, 0, 0], [0, 1, 1, 1]])
def test_with_a_label_that_has_no_others_the_shares_are_equal(labels: list[int]) -> None:
    logits = drawn(4, [1.0, 1.0])[0]
    combined = ensemble.cross_fitted(logits, np.array(labels), 1)
    assert combined.tolist() == logits.mean(axis=1).tolist()


def test_of_one_label_it_learns_no_more_than_how_frequent_that_is() -> None:
    logits = drawn(30, [1.0, 1.0])[0]
    learned = ensemble.fit(logits, np.ones(30, np.int64))
    assert learned.intercept > 0.2
    assert np.isfinite(learned.weights).all()
    assert (learned.weights >= 0).all()


def test_it_is_the_same_each_time() -> None:
    logits, labels = drawn(60, [0.8, 0.3])
    one, other = ensemble.fit(logits, labels), ensemble.fit(logits.copy(), labels.copy())
    assert (one.weights.tolist(), one.intercept) == (other.weights.tolist(), other.intercept)
    first = ensemble.cross_fitted(logits, labels, 1)
    assert first.tolist() == ensemble.cross_fitted(logits, labels, 1).tolist()
    assert first.tolist() != ensemble.cross_fitted(logits, labels, 2).tolist()
