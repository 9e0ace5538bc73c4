"""Which scores mean positive."""

import numpy as np


def is_positive(scores: np.ndarray | float, threshold: float) -> np.ndarray:
    """Which scores reach the threshold, in double precision, in which a threshold is kept: `<bool>[...]`."""
    return np.asarray(np.asarray(scores, np.float64) >= threshold)
