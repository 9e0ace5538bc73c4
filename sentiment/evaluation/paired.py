"""Two models on the same texts."""

from typing import Literal

import numpy as np
from scipy.stats import binomtest

from sentiment.model.threshold import is_positive
from sentiment.settings.threshold import DEFAULT as THRESHOLD


def right(labels: np.ndarray, scores: np.ndarray, threshold: float = THRESHOLD) -> np.ndarray:
    """Whether each text is called what it is, `<bool>[texts]`. labels: 0 or 1; scores: P(positive); each `[texts]`."""
    return np.asarray(is_positive(scores, threshold) == (labels == 1))


def mcnemar(
    correct: np.ndarray, other_correct: np.ndarray, alternative: Literal["two-sided", "greater"] = "two-sided"
) -> tuple[int, int, float]:
    """Texts that only the one, and that only the other model gets right; and McNemar's exact p (McNemar 1947, in its binomial form).

    p is the probability that, were both equally good, the texts on which they differ fell so unevenly, with `greater` so much in the
    other's favour.

    correct, other_correct: whether each text is called what it is, `<bool>[texts]`.
    """
    only_one, only_other = int((correct & ~other_correct).sum()), int((~correct & other_correct).sum())
    differ = only_one + only_other
    p = binomtest(only_other, differ, 0.5, alternative=alternative).pvalue if differ else 1.0
    return only_one, only_other, float(p)
