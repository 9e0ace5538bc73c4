"""What n-grams say, against the definitions worked out one by one."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from sentiment.ngram_weights import OWN_SHARE, PENALTY, NgramWeights, fit, log_count_ratios
from sentiment.ragged import Ragged, from_lists

NGRAMS = 6


@pytest.fixture
def reviews() -> tuple[Ragged, np.ndarray]:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 80).astype(np.int8)
    chances = np.where(labels[:, None] == 1, [0.9, 0.6, 0.5, 0.3, 0.2, 0], [0.3, 0.5, 0.5, 0.4, 0.7, 0])
    return from_lists([(np.flatnonzero(row) + 1).tolist() for row in random.random((80, NGRAMS)) < chances]), labels


def logits(weights: NgramWeights, reviews: Ragged) -> np.ndarray:
    said = weights.ratios * weights.weights
    return np.array([weights.bias + said[reviews.row(at)].sum() for at in range(len(reviews))])


def common(found: NgramWeights) -> float:
    """The mean that weights are drawn to: what the n-gram that no review has, and which so learned nothing, shows of it."""
    return float(found.weights[NGRAMS]) / (1 - OWN_SHARE)


def test_ratios_are_those_of_the_paper(reviews: tuple[Ragged, np.ndarray]) -> None:
    rows, labels = reviews
    counts = np.ones((2, NGRAMS))
    for at, label in enumerate(labels):
        counts[label, rows.row(at) - 1] += 1
    shares = counts / counts.sum(axis=1, keepdims=True)
    found = log_count_ratios(rows, labels, NGRAMS)
    assert found[0] == 0
    np.testing.assert_allclose(found[1:], np.log(shares[1] / shares[0]), rtol=1e-6)


def test_the_loss_has_no_slope_where_the_weights_are(reviews: tuple[Ragged, np.ndarray]) -> None:
    rows, labels = reviews
    found = fit(rows, labels, NGRAMS)

    counts = np.bincount(labels)
    balanced = len(labels) / (2 * counts)[labels]

    def loss(values: np.ndarray) -> float:
        said = logits(NgramWeights(found.ratios, np.concatenate([[0], values]), 0), rows)
        return float((balanced * np.logaddexp(0, np.where(labels == 1, -said, said))).mean() + PENALTY / 2 * (values**2).sum())

    own = (found.weights[1:].astype(float) - (1 - OWN_SHARE) * common(found)) / OWN_SHARE
    assert np.abs(own).mean() == pytest.approx(common(found), rel=1e-5)
    np.testing.assert_allclose(approx_fprime(own, loss), 0, atol=2e-3)
    assert loss(own) < loss(np.zeros_like(own)) - 0.1
    assert found.bias == pytest.approx(np.log(counts[1] / counts[0]))


def test_padding_weighs_nothing(reviews: tuple[Ragged, np.ndarray]) -> None:
    found = fit(*reviews, NGRAMS)
    assert found.weights[0] == found.ratios[0] == 0
    assert len(fit(from_lists([[], []]), np.array([0, 1], np.int8), 0).weights) == 1
