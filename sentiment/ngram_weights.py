"""What each n-gram says of a review: two logistic regressions that differ in how large an n-gram's feature is, one logit of both.

In the one it is the n-gram's log-count ratio, how much more of the positive reviews have it than of the negative ones: NB-SVM (Wang &
Manning 2012) with the logistic loss. In the other it is the square of the inverse document frequency (Sparck
Jones 1972), so that rare n-grams are heard. They err on different reviews: docs/experiments.md has the figures.

Adam, which trains the network, is no good for this: it moves the weight of a rare n-gram as far as that of a common one.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse
from sklearn.linear_model import LogisticRegression

from sentiment.ragged import Ragged

PENALTY = 1 / 2000  # on half the squared weights, beside the mean loss
RARITY_PENALTY = 0.2
RARITY_SHARE = 0.25  # of the logit that the second regression has
LEAST_RATIO = 0.01  # in size: what an n-gram says is kept as ratio times weight
ITERATIONS, TOLERANCE = 100, 1e-3


@dataclass(frozen=True)
class NgramWeights:
    """The logit of a review is `bias` and the sum over its n-grams of ratio times weight.

    ratios, weights: `<float32>[ngrams + 1]`; place 0, which is padding, has 0; bias: the log odds of the labels, as in naive Bayes:
    learned from whole reviews, it would speak up in short texts.
    """

    ratios: np.ndarray
    weights: np.ndarray
    bias: float

    def logits(self, reviews: Ragged) -> np.ndarray:
        """`<float64>[reviews]`."""
        said = np.concatenate([[0], np.cumsum((self.ratios * self.weights)[reviews.ids], dtype=np.float64)])
        return np.asarray(self.bias + np.diff(said[reviews.offsets]))


def fit(reviews: Ragged, labels: np.ndarray, ngrams: int) -> NgramWeights:
    """The weights that the reviews teach. labels: `<int8>[reviews]`; ngrams: how many are known."""
    if not ngrams:
        return NgramWeights(np.zeros(1, np.float32), np.zeros(1, np.float32), 0.0)
    ratios = log_count_ratios(reviews, labels, ngrams)
    rarity = squared_rarity(reviews, ngrams)
    by_ratio = ratios * regression(reviews, labels, ratios, PENALTY)
    by_rarity = rarity * regression(reviews, labels, rarity, RARITY_PENALTY)
    said = (1 - RARITY_SHARE) * by_ratio + RARITY_SHARE * by_rarity
    ratios = np.where(np.abs(ratios) < LEAST_RATIO, np.copysign(LEAST_RATIO, ratios), ratios)
    ratios[0] = 0
    weights = np.divide(said, ratios, out=np.zeros(ngrams + 1), where=ratios != 0)
    positive = int((labels > 0).sum())
    return NgramWeights(ratios.astype(np.float32), weights.astype(np.float32), float(np.log(positive / (len(labels) - positive))))


def log_count_ratios(reviews: Ragged, labels: np.ndarray, ngrams: int) -> np.ndarray:
    """The log of the quotient of an n-gram's two shares, one review added to each: `<float32>[ngrams + 1]`."""
    positive = np.repeat(labels > 0, reviews.lengths)
    counts = [1.0 + np.bincount(reviews.ids[side], minlength=ngrams + 1)[1:] for side in (positive, ~positive)]
    shares = [count / count.sum() for count in counts]
    return np.concatenate([[0], np.log(shares[0] / shares[1])]).astype(np.float32)


def squared_rarity(reviews: Ragged, ngrams: int) -> np.ndarray:
    """The square of the log of reviews per review that has the n-gram: `<float32>[ngrams + 1]`; 0 for one that none has."""
    having = np.bincount(reviews.ids, minlength=ngrams + 1)
    return np.where(having, np.log(len(reviews) / np.maximum(having, 1)) ** 2, 0).astype(np.float32)


def regression(reviews: Ragged, labels: np.ndarray, sizes: np.ndarray, penalty: float) -> np.ndarray:
    """The weights of the n-grams, each a feature of its size where a review has it: `<float64>[ngrams + 1]`, the first 0."""
    options = {"fit_intercept": False, "class_weight": "balanced", "max_iter": ITERATIONS, "tol": TOLERANCE}
    model = LogisticRegression(C=1 / (penalty * len(reviews)), **options).fit(features(reviews, sizes), labels)
    return np.concatenate([[0], model.coef_[0][1:]])


def features(reviews: Ragged, sizes: np.ndarray) -> scipy.sparse.csr_array:
    """`<float32>[reviews, ngrams + 1]`: of each n-gram its size where a review has it, 0 elsewhere."""
    offsets = reviews.offsets.astype(reviews.ids.dtype if len(reviews.ids) < 2**31 else np.int64)  # or SciPy widens the ids too
    return scipy.sparse.csr_array((sizes[reviews.ids], reviews.ids, offsets), shape=(len(reviews), len(sizes)))
