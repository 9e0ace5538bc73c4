"""Keras's LSTM on PyTorch takes its steps on a CPU as a loop in Python; PyTorch has an LSTM of its own, in one call."""

from typing import Any

import keras
import torch


class LSTM(keras.layers.LSTM):  # type: ignore[misc]
    """The same weights and outputs, and the same name in the model's file."""

    def inner_loop(self, sequences: torch.Tensor, initial_state: Any, mask: Any, training: bool = False) -> Any:
        """`<float32>[batch, time, channels]` to the last output, all outputs `[batch, time, units]`, and the last output and cell."""
        if mask is not None:
            return super().inner_loop(sequences, initial_state, mask, training)
        kernel, recurrent, bias = (weight.value for weight in (self.cell.kernel, self.cell.recurrent_kernel, self.cell.bias))
        weights = kernel.T, recurrent.T, bias, torch.zeros_like(bias)  # gates are in Keras's order
        states = [state[None] for state in initial_state]
        biases, layers, dropout, bidirectional, batch_first = True, 1, 0.0, False, True
        outputs, output, cell = torch._VF.lstm(
            sequences, states, weights, biases, layers, dropout, torch.is_grad_enabled(), bidirectional, batch_first
        )
        return outputs[:, -1], outputs, [output[0], cell[0]]
