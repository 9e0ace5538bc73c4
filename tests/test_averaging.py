"""The moving average of the weights, against the sum that defines it."""

import numpy as np
import pytest

from sentiment.trainer.averaging import WARM_UP, MovingAverage


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.995])
def test_an_average_of_all_steps(decay: float) -> None:
    steps = [np.full((2, 3), value, np.float32) for value in (1.0, 4.0, -2.0, 8.0)]
    average = MovingAverage(decay)
    expected = steps[0]
    for number, step in enumerate(steps, 1):
        average.add([step])
        share = min(decay, number / (number + WARM_UP))
        expected = step if number == 1 else share * expected + (1 - share) * step
    np.testing.assert_allclose(average.get()[0], expected, rtol=1e-6)
    assert average.get()[0].dtype == np.float32


def test_it_keeps_no_hold_of_the_weights() -> None:
    weights = np.ones(2, np.float32)
    average = MovingAverage(0.9)
    average.add([weights])
    weights[:] = 5
    assert average.get()[0].tolist() == [1, 1]
