"""How good scores are, as metrics."""

import numpy as np
from scipy.stats import binomtest, mannwhitneyu
from sklearn import metrics

from sentiment.evaluation.paired import right
from sentiment.model.threshold import is_positive
from sentiment.settings.threshold import DEFAULT as THRESHOLD

SIGNIFICANCE = 0.05  # of a p, below which chance is no explanation
CONFIDENCE = 0.95  # of an interval
BINS = 10  # of scores, equally wide, in which calibration is looked at


def measure(labels: np.ndarray, scores: np.ndarray, threshold: float = THRESHOLD, weights: np.ndarray | None = None) -> dict[str, float]:
    """Accuracy, balanced accuracy, area under the ROC curve, F1 of `positive`, mean log loss, Brier score and calibration error.

    labels: 0 or 1, both present, `[reviews]`; scores: P(positive), `[reviews]`; threshold: the score from which on a review is positive;
    weights: of the reviews in accuracy and log loss, `[reviews]`.
    """
    guesses, clipped = is_positive(scores, threshold), np.clip(scores.astype(np.float64), 1e-7, 1 - 1e-7)
    return {
        "accuracy": float(metrics.accuracy_score(labels, guesses, sample_weight=weights)),
        "balanced_accuracy": float(metrics.balanced_accuracy_score(labels, guesses)),
        "auc": float(metrics.roc_auc_score(labels, scores)),
        "f1": float(metrics.f1_score(labels, guesses, zero_division=0)),
        "log_loss": float(metrics.log_loss(labels, clipped, labels=[0, 1], sample_weight=weights)),
        "brier": float(metrics.brier_score_loss(labels, scores)),
        "ece": calibration_error(labels, scores),
    }


def accuracy(labels: np.ndarray, scores: np.ndarray, threshold: float = THRESHOLD) -> float:
    """labels: 0 or 1, `[reviews]`; scores: P(positive), `[reviews]`."""
    return float(metrics.accuracy_score(labels, is_positive(scores, threshold)))


def accuracy_interval(labels: np.ndarray, scores: np.ndarray, threshold: float = THRESHOLD) -> tuple[float, float]:
    """Between what the accuracy on any number of such reviews is likely to lie. labels, scores: as for `accuracy`."""
    return wilson(int(right(labels, scores, threshold).sum()), len(labels))


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """The CONFIDENCE interval of a share (Wilson 1927)."""
    interval = binomtest(successes, trials).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def calibration_bins(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reviews, mean score and share of positive ones in each of the BINS that has any: three of `[bins]`, scores ascending.

    labels: 0 or 1, `[reviews]`; scores: P(positive), `[reviews]`.
    """
    bins = np.minimum((scores * BINS).astype(np.int64), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    sums = (np.bincount(bins, weights, minlength=BINS) for weights in (scores, labels))
    filled = counts > 0
    predicted, observed = (each[filled] / counts[filled] for each in sums)
    return counts[filled], predicted, observed


def calibration_error(labels: np.ndarray, scores: np.ndarray) -> float:
    """By how much a bin's mean score is off the share of positive reviews in it, on average over the reviews (ECE; Naeini et al. 2015)."""
    counts, predicted, observed = calibration_bins(labels, scores)
    return float(np.average(np.abs(predicted - observed), weights=counts))


def ranking(labels: np.ndarray, logits: np.ndarray) -> tuple[float, float]:
    """The area under the ROC curve, and the one-sided p that guessing would reach it (Mann & Whitney 1947).

    labels: 0 or 1, both present; logits; each `[reviews]`.
    """
    positive, negative = logits[labels == 1], logits[labels == 0]
    test = mannwhitneyu(positive, negative, alternative="greater")
    return float(test.statistic / (len(positive) * len(negative))), float(test.pvalue)


def prefixed(prefix: str, values: dict[str, float]) -> dict[str, float]:
    return {f"{prefix}_{name}": value for name, value in values.items()}
