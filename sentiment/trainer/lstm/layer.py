"""Keras's LSTM, its steps taken by `sentiment.trainer.lstm.steps`."""

import importlib
from typing import Any

import keras

_framework = importlib.import_module("sentiment.trainer.lstm.on_" + keras.backend.backend())


class LSTM(keras.layers.LSTM):  # type: ignore[misc]
    """The same weights and outputs, and the same name in the model's file. For whole sequences, without mask or first state."""

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: Any = None) -> Any:
        assert self.return_sequences
        weights = self.cell.kernel, self.cell.recurrent_kernel, self.cell.bias
        return _framework.steps(bool(training), sequences, *weights)
