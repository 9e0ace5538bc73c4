"""The n-gram model, against the definitions worked out one by one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from sentiment.preparation import prepared, preparing
from sentiment.preparation.prepared import Prepared
from sentiment.ragged import Ragged, concatenate, from_lists
from sentiment.reviews import find_source
from sentiment.reviews.batch import TEST, TRAIN, UNLABELLED, VALIDATION
from sentiment.settings import PrepareSettings
from sentiment.text import ngrams
from sentiment.text.ngrams import Ngrams
from sentiment.training import ensemble, ngram_regression
from sentiment.training.ngram_regression import (
    NONE,
    REGRESSIONS,
    NgramModel,
    features,
    fit,
    idf,
    log_count_ratios,
    regression,
    squared_idf,
)
from tests.trained import assert_same_encoder

NGRAMS = 6


@pytest.fixture
def reviews() -> tuple[Ragged, np.ndarray]:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 80).astype(np.int8)
    chances = np.where(labels[:, None] == 1, [0.9, 0.6, 0.5, 0.3, 0.2, 0], [0.3, 0.5, 0.5, 0.4, 0.7, 0])
    return from_lists([(np.flatnonzero(row) + 1).tolist() for row in random.random((80, NGRAMS)) < chances]), labels


@pytest.fixture(scope="module")
def data(small: Path) -> Prepared:
    return prepared.read(small)


def dense(rows: Ragged, sizes: np.ndarray) -> np.ndarray:
    """`<float64>[reviews, ngrams + 1]`: of each n-gram its size where a review has it."""
    matrix = np.zeros((len(rows), len(sizes)))
    for at in range(len(rows)):
        matrix[at, rows.row(at)] = sizes[rows.row(at)]
    return matrix


def test_ratios_are_those_of_the_paper(reviews: tuple[Ragged, np.ndarray]) -> None:
    rows, labels = reviews
    counts = np.ones((2, NGRAMS))
    for at, label in enumerate(labels):
        counts[label, rows.row(at) - 1] += 1
    shares = counts / counts.sum(axis=1, keepdims=True)
    ratios = log_count_ratios(rows, labels, NGRAMS)
    assert ratios[0] == 0
    np.testing.assert_allclose(ratios[1:], np.log(shares[1] / shares[0]), rtol=1e-6)


def test_one_regression_knows_single_words_alone() -> None:
    rows, labels = from_lists([[1, 2, 3], [1, 3], [2]]), np.array([1, 0, 1], np.int8)
    known = Ngrams(np.array([0, 0, 1], np.int32), np.array([1, 2, 2], np.int32))
    (words,) = (each for each in REGRESSIONS if each.unigrams_only)
    np.testing.assert_allclose(words.values(rows, labels, known), [0, np.log(1.5), np.log(1.5), 0], rtol=1e-6)


def test_idf_is_the_inverse_document_frequency() -> None:
    rows, labels = from_lists([[1, 2], [1], [1, 3], [1, 2]]), np.array([0, 1, 0, 1])
    np.testing.assert_allclose(idf(rows, labels, 4), [0, 0, np.log(2), np.log(4), 0], rtol=1e-6)
    np.testing.assert_allclose(squared_idf(rows, labels, 4), [0, 0, np.log(2) ** 2, np.log(4) ** 2, 0], rtol=1e-6)


def test_a_feature_is_of_its_size_where_a_review_has_it(reviews: tuple[Ragged, np.ndarray]) -> None:
    rows, labels = reviews
    sizes = log_count_ratios(rows, labels, NGRAMS)
    np.testing.assert_array_equal(features(rows, sizes).toarray(), dense(rows, sizes))


@pytest.mark.parametrize("penalty", [1 / 500, 0.05])
def test_the_loss_has_no_slope_where_the_coefficients_are(reviews: tuple[Ragged, np.ndarray], penalty: float) -> None:
    rows, labels = reviews
    sizes = log_count_ratios(rows, labels, NGRAMS)
    matrix = dense(rows, sizes)[:, 1:]

    def loss(values: np.ndarray) -> float:
        logits = matrix @ values[:-1] + values[-1]
        return float(np.logaddexp(0, np.where(labels == 1, -logits, logits)).mean() + penalty / 2 * (values[:-1] ** 2).sum())

    coefficients, intercept = regression(rows, labels, sizes, penalty)
    values = np.append(coefficients[1:], intercept)
    assert coefficients[0] == 0
    np.testing.assert_allclose(approx_fprime(values, loss), 0, atol=2e-3)
    assert loss(values) < loss(np.zeros(NGRAMS + 1)) - 0.05


def test_a_logit_is_the_bias_and_the_weights_of_the_ngrams() -> None:
    model = NgramModel(ngrams.NONE, np.array([0, 1, 20, 300], np.float32), 0.5)
    assert model.logits(from_lists([[1, 3], [], [2], [1, 2, 3]])).tolist() == [301.5, 0.5, 20.5, 321.5]
    assert NONE.logits(from_lists([[], []])).tolist() == [0, 0]


@pytest.mark.parametrize("limit", [40, 3000])
def test_the_regressions_are_chosen_and_combined_on_the_validation_reviews(
    data: Prepared, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Validation labels reach the regressions only in that way; the model is fitted again with them."""
    monkeypatch.setattr(ngram_regression, "ITERATIONS", 1000)
    monkeypatch.setattr(ngram_regression, "TOLERANCE", 1e-6)
    train, val = data.rows(TRAIN), data.rows(VALIDATION)
    known = ngrams.fit(data.words.take(train), limit)
    of_train, of_val = (known.encode(data.words.take(rows)) for rows in (train, val))
    labels, val_labels = data.labels[train], data.labels[val]
    both = concatenate([of_train, of_val]), np.concatenate([labels, val_labels])
    columns, refitted = [], []
    for each in REGRESSIONS:
        least = np.inf
        values = each.values(of_train, labels, known)
        for penalty in each.penalties:
            model = LogisticRegression(C=1 / (penalty * len(train)), tol=1e-6, max_iter=1000).fit(dense(of_train, values), labels)
            logits = model.decision_function(dense(of_val, values))
            if log_loss(val_labels, expit(logits)) < least:
                least, best, chosen = log_loss(val_labels, expit(logits)), logits, penalty
        columns.append(best)
        matrix = dense(both[0], each.values(*both, known))
        refit = LogisticRegression(C=1 / (chosen * len(matrix)), tol=1e-6, max_iter=1000).fit(matrix, both[1])
        refitted.append(refit.decision_function(matrix))
    stacked = np.column_stack(columns)

    fitted = fit(data, limit, 1)
    expected = ensemble.cross_fitted(stacked, val_labels.astype(np.int64), 1)
    np.testing.assert_allclose(fitted.val_logits, expected, rtol=0, atol=2e-3)
    combined = ensemble.fit(stacked, val_labels).apply(np.column_stack(refitted))
    np.testing.assert_allclose(fitted.model.logits(both[0]), combined, rtol=0, atol=2e-3)
    assert fitted.model.ngrams.last.tolist() == known.last.tolist()
    assert len(fitted.model.weights) == len(known) + 1 <= limit + 1
    assert fitted.model.weights[0] == 0


def test_it_tells_reviews_apart_that_it_was_not_fitted_on() -> None:
    data, _ = preparing.prepare(find_source(PrepareSettings()), PrepareSettings())
    fitted, test, val = fit(data, 5000, 1), data.rows(TEST), data.rows(VALIDATION)
    encoded = fitted.model.ngrams.encode(data.words.take(test))
    assert ((fitted.model.logits(encoded) > 0) == data.labels[test]).mean() > 0.75
    assert ((fitted.val_logits > 0) == data.labels[val]).mean() > 0.75


def test_test_reviews_and_unlabelled_ones_teach_nothing(data: Prepared) -> None:
    test = data.split == TEST
    more = np.full(test.sum(), UNLABELLED, np.int8)
    other = replace(
        data,
        tokens=concatenate([data.tokens, data.tokens.take(np.flatnonzero(test))]),
        words=concatenate([data.words, data.words.take(np.flatnonzero(test))]),
        labels=np.concatenate([np.where(test, 1 - data.labels, data.labels), np.full(test.sum(), -1, np.int8)]),
        split=np.concatenate([data.split, more]),
    )
    one, two = fit(data, 300, 1), fit(other, 300, 1)
    assert one.model.weights.tolist() == two.model.weights.tolist()
    assert one.model.bias == two.model.bias
    assert one.val_logits.tolist() == two.val_logits.tolist()
    assert_same_encoder(data.encoder.with_ngrams(one.model.ngrams), other.encoder.with_ngrams(two.model.ngrams))
