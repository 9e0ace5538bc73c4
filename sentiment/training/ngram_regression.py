"""The n-gram model: four logistic regressions on the word sequences of whole reviews, combined into one logit.

The regressions differ in how large an n-gram's feature is. In the first it is the n-gram's log-count ratio, how much more of the
positive reviews have it than of the negative ones: NB-SVM (Wang & Manning 2012) with the logistic loss. In the others it is the
inverse document frequency (Sparck Jones 1972) or its square, so that rare n-grams count, and the last knows single words alone, as
very short texts have little else. They err on different reviews, and which is best depends on how long and how many these are. The
penalty of each is the one with the least log loss on the validation split, and there their combination is learned too.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from sentiment.callbacks import Progress, unseen
from sentiment.preparation.prepared import Prepared
from sentiment.ragged import Ragged
from sentiment.reviews.batch import TRAIN, VALIDATION
from sentiment.text import ngrams
from sentiment.text.ngrams import Ngrams
from sentiment.training import ensemble
from sentiment.training.ensemble import Combination

ITERATIONS, TOLERANCE = 100, 1e-3
COUNTING, ENCODING = 14, 4  # regressions that take as long, on reviews of some hundred words

FeatureValues = Callable[[Ragged, np.ndarray, int], np.ndarray]


@dataclass(frozen=True)
class NgramModel:
    """The logit of a review is `bias` and the sum of the weights of its n-grams.

    weights: `<float32>[ngrams + 1]`; that of 0, padding, is 0.
    """

    ngrams: Ngrams
    weights: np.ndarray
    bias: float

    def logits(self, reviews: Ragged) -> np.ndarray:
        """reviews: ids of n-grams, as `ngrams` encodes them; returns `<float64>[reviews]`."""
        sums = np.concatenate([[0], np.cumsum(self.weights[reviews.ids], dtype=np.float64)])
        return np.asarray(self.bias + np.diff(sums[reviews.offsets]))


NONE = NgramModel(ngrams.NONE, np.zeros(1, np.float32), 0.0)


@dataclass(frozen=True)
class Fitted:
    """What was fitted.

    Attributes:
        model: Fitted on the training and the validation reviews.
        train_model: Fitted on the training reviews alone.
        val_logits: `<float64>[validation reviews]`, of regressions on the training reviews, combined by what was learned from other
            validation reviews.
    """

    model: NgramModel
    train_model: NgramModel
    val_logits: np.ndarray


def fit(data: Prepared, limit: int, seed: int, progress: Progress = unseen) -> Fitted:
    """The n-gram model of at most `limit` n-grams, those in the most training reviews.

    progress: gets the parts that are done, and their number: a part is about as long as a regression takes.
    """
    parts = COUNTING + ENCODING + sum(len(each.penalties) + 1 for each in REGRESSIONS)
    fits = itertools.count(COUNTING + ENCODING + 1)

    def fitted(reviews: Ragged, labels: np.ndarray, values: np.ndarray, penalty: float) -> tuple[np.ndarray, float]:
        fitted = regression(reviews, labels, values, penalty)
        progress(next(fits), parts)
        return fitted

    train, val, both = data.rows(TRAIN), data.rows(VALIDATION), data.rows(TRAIN, VALIDATION)
    known = ngrams.fit(data.words.take(train), limit, lambda done, of: progress(COUNTING * done // of, parts))
    encoded = known.encode(data.words.take(both), lambda done, of: progress(COUNTING + ENCODING * done // of, parts))
    is_val, labels = np.isin(both, val), data.labels[both]
    train_rows, val_rows = encoded.take(np.flatnonzero(~is_val)), encoded.take(np.flatnonzero(is_val))
    chosen = [
        _choose(
            fitted,
            each.values(train_rows, labels[~is_val], known),
            each.penalties,
            (train_rows, labels[~is_val]),
            (val_rows, labels[is_val]),
        )
        for each in REGRESSIONS
    ]
    logits = np.stack([one.logits for one in chosen], axis=1)
    combination = ensemble.fit(logits, labels[is_val])
    refitted = []
    for each, choice in zip(REGRESSIONS, chosen, strict=True):
        values = each.values(encoded, labels, known)
        refitted.append(_Linear(values, *fitted(encoded, labels, values, choice.penalty)))
    val_logits = ensemble.cross_fitted(logits, labels[is_val], seed)
    return Fitted(_sum(known, refitted, combination), _sum(known, [choice.linear for choice in chosen], combination), val_logits)


@dataclass(frozen=True)
class _Linear:
    """What one regression is. values: the sizes of the n-grams; coefficients: `<float64>[ngrams + 1]`."""

    values: np.ndarray
    coefficients: np.ndarray
    intercept: float


@dataclass(frozen=True)
class _Choice:
    """penalty: the best one; linear: fitted with it on the training reviews; logits: of the validation reviews, `<float64>[reviews]`."""

    penalty: float
    linear: _Linear
    logits: np.ndarray


def _sum(known: Ngrams, parts: list[_Linear], combination: Combination) -> NgramModel:
    weights, bias = np.zeros(len(known) + 1), combination.intercept
    for share, part in zip(combination.weights, parts, strict=True):
        weights += share * part.values * part.coefficients
        bias += share * part.intercept
    return NgramModel(known, weights.astype(np.float32), float(bias))


def _choose(
    fitted: Callable[..., tuple[np.ndarray, float]],
    values: np.ndarray,
    penalties: tuple[float, ...],
    train: tuple[Ragged, np.ndarray],
    validation: tuple[Ragged, np.ndarray],
) -> _Choice:
    """fitted: `regression`; values: the sizes of the n-grams; train, validation: reviews and their labels."""

    def choice(penalty: float) -> _Choice:
        linear = _Linear(values, *fitted(*train, values, penalty))
        return _Choice(penalty, linear, np.asarray(features(validation[0], values) @ linear.coefficients + linear.intercept))

    choices = [choice(penalty) for penalty in penalties]
    return min(choices, key=lambda choice: log_loss(validation[1], expit(choice.logits)))


def log_count_ratios(reviews: Ragged, labels: np.ndarray, count: int) -> np.ndarray:
    """The log of the quotient of an n-gram's two shares, one review added to each: `<float32>[count + 1]`."""
    positive = np.repeat(labels > 0, reviews.lengths)
    counts = [1.0 + np.bincount(reviews.ids[side], minlength=count + 1)[1:] for side in (positive, ~positive)]
    shares = [each / each.sum() for each in counts]
    return np.concatenate([[0], np.log(shares[0] / shares[1])]).astype(np.float32)


def idf(reviews: Ragged, labels: np.ndarray, count: int) -> np.ndarray:
    """The inverse document frequency, the log of reviews per review that has the n-gram: `<float32>[count + 1]`; 0 where none has it."""
    having = np.bincount(reviews.ids, minlength=count + 1)
    return np.where(having, np.log(len(reviews) / np.maximum(having, 1)), 0).astype(np.float32)


def squared_idf(reviews: Ragged, labels: np.ndarray, count: int) -> np.ndarray:
    """The square of the inverse document frequency: `<float32>[count + 1]`."""
    return np.asarray(idf(reviews, labels, count) ** 2)


@dataclass(frozen=True)
class Regression:
    """One of the regressions.

    Attributes:
        feature_values: How large the features are.
        penalties: To choose from: on half the squared coefficients, beside the mean loss.
        unigrams_only: Whether longer n-grams have no part in it.
    """

    feature_values: FeatureValues
    penalties: tuple[float, ...]
    unigrams_only: bool = False

    def values(self, reviews: Ragged, labels: np.ndarray, known: Ngrams) -> np.ndarray:
        """The size of each n-gram: `<float32>[ngrams + 1]`."""
        values = self.feature_values(reviews, labels, len(known))
        if self.unigrams_only:
            values[1:][known.prefix > 0] = 0
        return values


REGRESSIONS = (
    Regression(log_count_ratios, (1 / 500, 1 / 2000, 1 / 8000)),
    Regression(idf, (0.05, 0.0125, 0.003, 0.001)),
    Regression(squared_idf, (0.8, 0.2, 0.05, 0.0125)),
    Regression(idf, (0.05, 0.0125, 0.003, 0.001), unigrams_only=True),
)


def regression(reviews: Ragged, labels: np.ndarray, sizes: np.ndarray, penalty: float) -> tuple[np.ndarray, float]:
    """Coefficients, `<float64>[ngrams + 1]`, the first 0, and intercept. Each n-gram is a feature of its size where a review has it."""
    model = LogisticRegression(C=1 / (penalty * len(reviews)), max_iter=ITERATIONS, tol=TOLERANCE).fit(features(reviews, sizes), labels)
    return np.concatenate([[0], model.coef_[0][1:]]), float(model.intercept_[0])


def features(reviews: Ragged, sizes: np.ndarray) -> scipy.sparse.csr_array:
    """`<float32>[reviews, ngrams + 1]`: of each n-gram its size where a review has it, 0 elsewhere."""
    offsets = reviews.offsets.astype(reviews.ids.dtype if len(reviews.ids) < 2**31 else np.int64)  # or SciPy widens the ids too
    return scipy.sparse.csr_array((sizes[reviews.ids], reviews.ids, offsets), shape=(len(reviews), len(sizes)))
