"""Labels of which one is rare: each counts half while a network is trained, and its logit is put right afterwards.

A network that reads the reviews as they come learns first how many are positive, and of a rare label little else. With each review
weighted by the inverse of its label's share it learns what tells the two apart; the logit of the share is then added to its own
(King & Zeng 2001, prior correction), so that its scores are those of reviews as they come.
"""

import numpy as np

from sentiment.preparation.prepared import Prepared
from sentiment.reviews.batch import TRAIN


def positive_share(data: Prepared) -> float:
    """Of the training reviews, by Laplace's rule, so that it is never 0 or 1. Their labels may be probabilities."""
    labels = data.labels[data.rows(TRAIN)]
    return float((labels.sum() + 1) / (len(labels) + 2))


def prior_logit(share: float) -> float:
    """What is added to the logit of a network that was trained with the weights."""
    return float(np.log(share / (1 - share)))


def label_weights(share: float) -> tuple[float, float]:
    """Of a negative and of a positive review; their mean is 1."""
    return 0.5 / (1 - share), 0.5 / share


def weights(labels: np.ndarray, share: float) -> np.ndarray:
    """Of each review: `<float64>[reviews]`. labels: 0 or 1, `[reviews]`."""
    return np.asarray(np.array(label_weights(share))[labels])
