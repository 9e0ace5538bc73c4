"""A moving average of the weights, which is what is validated and kept: Polyak & Juditsky (1992), exponential as in Keras's `use_ema`.

Made here, as Keras 2 has none; it averages what the backend computed, and changes nothing of how it computes.
"""

from typing import List, Optional

import numpy as np

WARM_UP = 10.0  # in the first steps the average is over about a tenth of them


class MovingAverage:
    """decay: share of the average that a step keeps, once there were enough of them; 0: the average is the last weights."""

    def __init__(self, decay: float) -> None:
        self._decay = decay
        self._steps = 0
        self._average: Optional[List[np.ndarray]] = None

    def add(self, weights: List[np.ndarray]) -> None:
        """The weights after one more step, as a model's `get_weights` gives them."""
        self._steps += 1
        decay = min(self._decay, self._steps / (self._steps + WARM_UP))
        if self._average is None:
            self._average = [np.array(each) for each in weights]
            return
        for average, each in zip(self._average, weights):
            average *= decay
            average += (1 - decay) * each

    def get(self) -> List[np.ndarray]:
        assert self._average is not None
        return self._average
