"""How good scores are, as metrics."""

import numpy as np
from scipy.stats import mannwhitneyu
from sklearn import metrics

from sentiment.model.scorer import is_positive
from sentiment.settings.threshold import DEFAULT as THRESHOLD

SIGNIFICANCE = 0.05  # of a p, below which chance is no explanation


def measure(labels: np.ndarray, scores: np.ndarray, threshold: float = THRESHOLD) -> dict[str, float]:
    """Accuracy, balanced accuracy, area under the ROC curve, F1 of `positive`, and mean log loss.

    labels: 0 or 1, both present, `[reviews]`; scores: P(positive), `[reviews]`; threshold: the score from which on a review is positive.
    """
    guesses = is_positive(scores, threshold)
    return {
        "accuracy": accuracy(labels, scores, threshold),
        "balanced_accuracy": float(metrics.balanced_accuracy_score(labels, guesses)),
        "auc": float(metrics.roc_auc_score(labels, scores)),
        "f1": float(metrics.f1_score(labels, guesses, zero_division=0)),
        "log_loss": float(metrics.log_loss(labels, np.clip(scores.astype(np.float64), 1e-7, 1 - 1e-7), labels=[0, 1])),
    }


def accuracy(labels: np.ndarray, scores: np.ndarray, threshold: float = THRESHOLD) -> float:
    """labels: 0 or 1, `[reviews]`; scores: P(positive), `[reviews]`."""
    return float(metrics.accuracy_score(labels, is_positive(scores, threshold)))


def ranking(labels: np.ndarray, logits: np.ndarray) -> tuple[float, float]:
    """The area under the ROC curve, and the one-sided p that guessing would reach it (Mann & Whitney 1947).

    labels: 0 or 1, both present; logits; each `[reviews]`.
    """
    positive, negative = logits[labels == 1], logits[labels == 0]
    found = mannwhitneyu(positive, negative, alternative="greater")
    return float(found.statistic / (len(positive) * len(negative))), float(found.pvalue)


def prefixed(prefix: str, found: dict[str, float]) -> dict[str, float]:
    return {f"{prefix}_{name}": value for name, value in found.items()}
