"""How several logits become one: weights and an intercept, learned from reviews that none of them was fitted on.

Logistic stacking (Wolpert 1992, with the logistic loss), which is Platt's calibration (1999) where there is one logit. The weights
are not negative, and a Gaussian prior holds them at equal shares: with a few dozen reviews the result stays near the plain mean, with
some hundreds the prior is not to be seen.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.model_selection import StratifiedKFold

PRIOR_DEVIATION = 0.5  # standard deviation of each number about its prior mean
FOLDS = 5
FEW = 100  # reviews: with fewer, the prior counts for about as much as they do


@dataclass(frozen=True)
class Combination:
    """The logit `intercept + weights · logits`. weights: `<float64>[parts]`; reviews: how many it was learned from."""

    weights: np.ndarray
    intercept: float
    reviews: int

    def apply(self, logits: np.ndarray) -> np.ndarray:
        """logits: `<float64>[reviews, parts]`; returns `<float64>[reviews]`."""
        return np.asarray(logits @ self.weights + self.intercept)


def fit(logits: np.ndarray, labels: np.ndarray) -> Combination:
    """The most probable combination. logits: `<float64>[reviews, parts]`; labels: 0 or 1, `[reviews]`."""
    sign = 2.0 * labels - 1
    prior = np.append(np.full(logits.shape[1], 1 / logits.shape[1]), 0)
    columns = np.column_stack([logits, np.ones(len(logits))])

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        margin, off = sign * (columns @ values), (values - prior) / PRIOR_DEVIATION
        gradient = off / PRIOR_DEVIATION - columns.T @ (sign * expit(-margin))
        return float(np.logaddexp(0, -margin).sum() + (off**2).sum() / 2), gradient

    bounds = [(0, None)] * logits.shape[1] + [(None, None)]
    values = minimize(loss, prior, jac=True, bounds=bounds, method="L-BFGS-B").x
    return Combination(values[:-1], float(values[-1]), len(labels))


def cross_fitted(logits: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    """The combined logit of each review, by a combination that was learned from the others: `<float64>[reviews]`.

    With fewer than two reviews of a label there are no others to learn from: that of the prior.
    """
    folds = min(FOLDS, int(np.bincount(labels, minlength=2).min()))
    if folds < 2:
        return np.asarray(logits.mean(axis=1))
    combined = np.empty(len(labels))
    for rest, fold in StratifiedKFold(folds, shuffle=True, random_state=seed).split(logits, labels):
        combined[fold] = fit(logits[rest], labels[rest]).apply(logits[fold])
    return combined
