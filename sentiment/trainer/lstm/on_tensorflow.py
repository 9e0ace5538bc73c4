"""The steps as operations of TensorFlow that call Python, with a gradient of their own."""

from typing import Any, Tuple

import numpy as np
import tensorflow as tf

from sentiment.trainer.lstm import held
from sentiment.trainer.lstm.steps import backward, forward


def _outputs(*given: np.ndarray) -> np.ndarray:
    return forward(*given)[0]


def _outputs_and_number(*given: np.ndarray) -> Tuple[np.ndarray, np.int64]:
    outputs, passed = forward(*given)
    return outputs, np.int64(held.hold(passed))


def _gradients(number: np.int64, *given: np.ndarray) -> Tuple[np.ndarray, ...]:
    return backward(held.take(int(number)), *given)


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _trained(*given: Any) -> Any:
    outputs, number = tf.numpy_function(_outputs_and_number, given, [tf.float32, tf.int64])

    def gradients(wanted: Any) -> Any:
        found = tf.numpy_function(_gradients, [number, wanted, *given[1:3]], [tf.float32] * 4)
        return [tf.ensure_shape(gradient, tensor.shape) for gradient, tensor in zip(found, given)]

    return outputs, gradients


def steps(training: bool, inputs: Any, *weights: Any) -> Any:
    given = [inputs, *(weight.value for weight in weights)]
    outputs = _trained(*given) if training else tf.numpy_function(_outputs, given, tf.float32)
    return tf.ensure_shape(outputs, [*inputs.shape[:2], weights[1].shape[0]])
