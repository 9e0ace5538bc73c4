"""How good scores are, as metrics."""

import numpy as np
from sklearn import metrics

from sentiment.scorer import THRESHOLD


def measure(labels: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """Accuracy, balanced accuracy, area under the ROC curve, F1 of `positive`, and mean log loss.

    labels: 0 or 1, both present, `[reviews]`; scores: P(positive), `[reviews]`.
    """
    guesses = scores >= THRESHOLD
    return {
        "accuracy": accuracy(labels, scores),
        "balanced_accuracy": float(metrics.balanced_accuracy_score(labels, guesses)),
        "auc": float(metrics.roc_auc_score(labels, scores)),
        "f1": float(metrics.f1_score(labels, guesses, zero_division=0)),
        "log_loss": float(metrics.log_loss(labels, np.clip(scores.astype(np.float64), 1e-7, 1 - 1e-7), labels=[0, 1])),
    }


def accuracy(labels: np.ndarray, scores: np.ndarray) -> float:
    """labels: 0 or 1, `[reviews]`; scores: P(positive), `[reviews]`."""
    return float(metrics.accuracy_score(labels, scores >= THRESHOLD))


def prefixed(prefix: str, found: dict[str, float]) -> dict[str, float]:
    return {f"{prefix}_{name}": value for name, value in found.items()}
