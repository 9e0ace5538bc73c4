"""What each n-gram says of a review: NB-SVM (Wang & Manning 2012) with the logistic loss, interpolated as there.

An n-gram's log-count ratio, how much more of the positive reviews have it than of the negative ones, is the size of its
feature; how far it can be relied upon is learned by logistic regression. Adam, which trains the network, is no good for that: it
moves the weight of a rare n-gram as far as that of a common one.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse
from sklearn.linear_model import LogisticRegression

from sentiment.ragged import Ragged

PENALTY = 1 / 2000  # on half the squared weights, beside the mean loss
OWN_SHARE = 0.75  # of an n-gram's weight; the rest is the mean of all, as in naive Bayes, which rare ones are better off with
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


def fit(reviews: Ragged, labels: np.ndarray, ngrams: int) -> NgramWeights:
    """The weights that the reviews teach. labels: `<int8>[reviews]`; ngrams: how many are known."""
    if not ngrams:
        return NgramWeights(np.zeros(1, np.float32), np.zeros(1, np.float32), 0.0)
    ratios = log_count_ratios(reviews, labels, ngrams)
    features = scipy.sparse.csr_array((ratios[reviews.ids], reviews.ids, reviews.offsets), shape=(len(reviews), ngrams + 1))
    options = {"fit_intercept": False, "class_weight": "balanced", "max_iter": ITERATIONS, "tol": TOLERANCE}
    model = LogisticRegression(C=1 / (PENALTY * len(reviews)), **options).fit(features, labels)
    own = model.coef_[0][1:]
    weights = np.concatenate([[0], OWN_SHARE * own + (1 - OWN_SHARE) * np.abs(own).mean()])
    positive = int((labels > 0).sum())
    return NgramWeights(ratios, weights.astype(np.float32), float(np.log(positive / (len(labels) - positive))))


def log_count_ratios(reviews: Ragged, labels: np.ndarray, ngrams: int) -> np.ndarray:
    """The log of the quotient of an n-gram's two shares, one review added to each: `<float32>[ngrams + 1]`."""
    positive = np.repeat(labels > 0, reviews.lengths)
    counts = [1.0 + np.bincount(reviews.ids[side], minlength=ngrams + 1)[1:] for side in (positive, ~positive)]
    shares = [count / count.sum() for count in counts]
    return np.concatenate([[0], np.log(shares[0] / shares[1])]).astype(np.float32)
