"""What n-grams say, against the definitions worked out one by one."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from sentiment.ngram_weights import (
    LEAST_RATIO,
    PENALTY,
    RARITY_PENALTY,
    RARITY_SHARE,
    NgramWeights,
    fit,
    log_count_ratios,
    regression,
    squared_rarity,
)
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


def test_ratios_are_those_of_the_paper(reviews: tuple[Ragged, np.ndarray]) -> None:
    rows, labels = reviews
    counts = np.ones((2, NGRAMS))
    for at, label in enumerate(labels):
        counts[label, rows.row(at) - 1] += 1
    shares = counts / counts.sum(axis=1, keepdims=True)
    found = log_count_ratios(rows, labels, NGRAMS)
    assert found[0] == 0
    np.testing.assert_allclose(found[1:], np.log(shares[1] / shares[0]), rtol=1e-6)


def test_rarity_is_the_squared_inverse_document_frequency() -> None:
    found = squared_rarity(from_lists([[1, 2], [1], [1, 3], [1, 2]]), 4)
    np.testing.assert_allclose(found, [0, 0, np.log(2) ** 2, np.log(4) ** 2, 0], rtol=1e-6)


@pytest.mark.parametrize("penalty", [PENALTY, RARITY_PENALTY])
def test_the_loss_has_no_slope_where_the_weights_are(reviews: tuple[Ragged, np.ndarray], penalty: float) -> None:
    rows, labels = reviews
    sizes = log_count_ratios(rows, labels, NGRAMS)
    balanced = len(labels) / (2 * np.bincount(labels))[labels]

    def loss(values: np.ndarray) -> float:
        said = logits(NgramWeights(sizes, np.concatenate([[0], values]), 0), rows)
        return float((balanced * np.logaddexp(0, np.where(labels == 1, -said, said))).mean() + penalty / 2 * (values**2).sum())

    found = regression(rows, labels, sizes, penalty)
    assert found[0] == 0
    np.testing.assert_allclose(approx_fprime(found[1:], loss), 0, atol=2e-3)
    assert loss(found[1:]) < loss(np.zeros(NGRAMS)) - 0.05


def test_both_regressions_have_their_share_of_the_logit(reviews: tuple[Ragged, np.ndarray]) -> None:
    rows, labels = reviews
    found = fit(rows, labels, NGRAMS)
    ratios, rarity = log_count_ratios(rows, labels, NGRAMS), squared_rarity(rows, NGRAMS)
    of_ratios, of_rarity = regression(rows, labels, ratios, PENALTY), regression(rows, labels, rarity, RARITY_PENALTY)
    expected = [logits(NgramWeights(sizes, weights, found.bias), rows) for sizes, weights in ((ratios, of_ratios), (rarity, of_rarity))]
    np.testing.assert_allclose(logits(found, rows), np.average(expected, axis=0, weights=[1 - RARITY_SHARE, RARITY_SHARE]), atol=1e-5)
    counts = np.bincount(labels)
    assert found.bias == pytest.approx(np.log(counts[1] / counts[0]))


def test_an_ngram_of_no_side_is_heard_by_its_rarity() -> None:
    rows = from_lists([[1, 2], [1, 3], [2, 3], [3]] * 5)
    found = fit(rows, np.array([1, 0, 1, 0] * 5, np.int8), 3)
    assert np.isfinite(found.weights).all()
    assert (np.abs(found.ratios[1:]) >= LEAST_RATIO * 0.999).all()


def test_padding_weighs_nothing(reviews: tuple[Ragged, np.ndarray]) -> None:
    found = fit(*reviews, NGRAMS)
    assert found.weights[0] == found.ratios[0] == 0
    assert len(fit(from_lists([[], []]), np.array([0, 1], np.int8), 0).weights) == 1
