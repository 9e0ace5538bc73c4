"""Keras's LSTM on TensorFlow takes each step on a CPU as a dozen operations of a loop; TensorFlow has one for all steps."""

from typing import Any, Callable, Tuple

import keras
import tensorflow as tf


class LSTM(keras.layers.LSTM):  # type: ignore[misc]
    """The same weights and outputs, and the same name in the model's file."""

    def inner_loop(self, sequences: tf.Tensor, initial_state: Any, mask: Any, training: bool = False) -> Any:
        """`<float32>[batch, time, channels]` to the last output, all outputs `[batch, time, units]`, and the last output and cell."""
        if mask is not None:
            return super().inner_loop(sequences, initial_state, mask, training)
        output, cell = initial_state
        kernel = tf.concat([self.cell.kernel.value, self.cell.recurrent_kernel.value], 0)
        bias = tf.convert_to_tensor(self.cell.bias.value)
        outputs, cells = _steps(tf.transpose(sequences, (1, 0, 2)), output, cell, kernel, bias)
        return outputs[-1], tf.transpose(outputs, (1, 0, 2)), [outputs[-1], cells[-1]]


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _steps(inputs: tf.Tensor, output: tf.Tensor, cell: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> Tuple[Any, Callable[..., Any]]:
    """`<float32>[time, batch, channels]` to outputs and cells, `[time, batch, units]` each. Gates are in Keras's order.

    The gradient is written out: TensorFlow 2.20 has registered that of another operation for this one.
    """
    no_peephole = tf.zeros([output.shape[-1]])
    arguments = {
        "seq_len_max": tf.shape(inputs, tf.int64)[0],
        "x": inputs,
        "h_prev": output,
        "cs_prev": cell,
        "w": kernel,
        "b": bias,
        "wci": no_peephole,
        "wcf": no_peephole,
        "wco": no_peephole,
        "use_peephole": False,
    }
    steps = tf.raw_ops.BlockLSTMV2(cell_clip=0.0, **arguments)

    def gradient(of_outputs: tf.Tensor, of_cells: tf.Tensor) -> Tuple[tf.Tensor, ...]:
        back = tf.raw_ops.BlockLSTMGradV2(h_grad=of_outputs, cs_grad=of_cells, **arguments, **steps._asdict())
        return back.x_grad, back.h_prev_grad, back.cs_prev_grad, back.w_grad, back.b_grad

    return (steps.h, steps.cs), gradient
