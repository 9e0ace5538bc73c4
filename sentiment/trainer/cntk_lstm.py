"""Keras's LSTM for CNTK, its steps through time in NumPy: a user function, CNTK's own way to be extended in Python.

Of the steps as CNTK has them, each is some thirty nodes of its graph, most of which take one number at a time. Here a step is a few
calls over whole arrays, and what does not wait for the step before is one product for all steps.

Within, states are `[units, batch]`, so that the numbers of a gate lie together. Gates are in Keras's order: input, forget,
candidate, output.
"""

from typing import Any, Dict, List, NamedTuple, Tuple

import cntk
import keras
import numpy as np

ONE, TWO = np.float32(1), np.float32(2)


class Passed(NamedTuple):
    """What the way back needs of the way there, all `<float32>`, over the steps.

    inputs: `[time, channels, batch]`; gates: `[time, 4, units, batch]`, their values; outputs, cells: `[time + 1, units, batch]`, from the
    zeros before the first step on; tanh: of the cells after each step.
    """

    inputs: np.ndarray
    gates: np.ndarray
    outputs: np.ndarray
    cells: np.ndarray
    tanh: np.ndarray


def forward(inputs: np.ndarray, kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray) -> Passed:
    """Hochreiter & Schmidhuber's LSTM with forget gate. inputs: `[batch, time, channels]`; the weights as Keras has them.

    The candidate, a hyperbolic tangent, is computed as 2 sigmoid(2z) - 1, so that all four gates are one call.
    """
    units = recurrent.shape[0]
    scale = np.repeat(np.array([-1, -1, -2, -1], np.float32), units)  # of sigmoid(z) = 1 / (1 + exp(-z))
    steps = np.ascontiguousarray(inputs.transpose(1, 2, 0))
    time, _, batch = steps.shape
    from_inputs = np.matmul((kernel * scale).T, steps)
    from_inputs += (bias * scale)[:, None]
    from_state = np.ascontiguousarray((recurrent * scale).T)
    gates = np.empty((time, 4, units, batch), np.float32)
    outputs, cells = (np.zeros((time + 1, units, batch), np.float32) for _ in range(2))
    tanh = np.empty((time, units, batch), np.float32)
    sums, exponents = (np.empty((4 * units, batch), np.float32) for _ in range(2))
    one, other = (np.empty((units, batch), np.float32) for _ in range(2))
    with np.errstate(over="ignore"):  # exp(-z) is infinite where the gate is 0
        for step in range(time):
            np.matmul(from_state, outputs[step], out=sums)
            sums += from_inputs[step]
            np.exp(sums, out=exponents)
            exponents += ONE
            np.divide(ONE, exponents, out=gates[step].reshape(4 * units, batch))
            take, keep, candidate, give = gates[step]
            candidate *= TWO
            candidate -= ONE
            cell = cells[step + 1]
            np.multiply(keep, cells[step], out=cell)
            np.multiply(take, candidate, out=one)
            cell += one
            np.multiply(cell, -TWO, out=one)
            np.exp(one, out=other)
            other += ONE
            np.divide(TWO, other, out=tanh[step])
            tanh[step] -= ONE
            np.multiply(give, tanh[step], out=outputs[step + 1])
    return Passed(steps, gates, outputs, cells, tanh)


def backward(passed: Passed, wanted: np.ndarray, kernel: np.ndarray, recurrent: np.ndarray) -> List[np.ndarray]:
    """The gradients of inputs, kernel, recurrent kernel and bias, given that of the outputs, `[batch, time, units]`."""
    time, _, units, batch = passed.gates.shape
    of_outputs = np.ascontiguousarray(wanted.transpose(1, 2, 0))
    of_sums = np.empty((4, units, time, batch), np.float32)
    state, cell = (np.zeros((units, batch), np.float32) for _ in range(2))
    one, sums = np.empty((units, batch), np.float32), np.empty((4, units, batch), np.float32)
    for step in range(time - 1, -1, -1):
        take, keep, candidate, give = gates = passed.gates[step]
        tanh = passed.tanh[step]
        state += of_outputs[step]
        np.multiply(tanh, tanh, out=one)
        np.subtract(ONE, one, out=one)
        one *= give
        one *= state
        cell += one
        np.subtract(ONE, gates, out=sums)
        sums *= gates
        np.multiply(candidate, candidate, out=sums[2])
        np.subtract(ONE, sums[2], out=sums[2])
        for gate, by in ((0, candidate), (1, passed.cells[step]), (2, take)):
            sums[gate] *= by
            sums[gate] *= cell
        sums[3] *= tanh
        sums[3] *= state
        np.matmul(recurrent, sums.reshape(4 * units, batch), out=state)
        cell *= keep
        of_sums[:, :, step] = sums
    flat = of_sums.reshape(4 * units, time * batch)
    return [
        np.matmul(kernel, flat).reshape(-1, time, batch).transpose(2, 1, 0),
        np.matmul(_flat(passed.inputs), flat.T),
        np.matmul(_flat(passed.outputs[:-1]), flat.T),
        flat.sum(axis=1),
    ]


def _flat(steps: np.ndarray) -> np.ndarray:
    """`[time, channels, batch]` to `[channels, time * batch]`."""
    return steps.transpose(1, 0, 2).reshape(steps.shape[1], -1)


class _Steps(cntk.ops.functions.UserFunction):  # type: ignore[misc]
    """inputs, kernel, recurrent kernel and bias to outputs, `[batch, time, units]`."""

    def infer_outputs(self) -> List[Any]:
        steps, _, recurrent, _ = self.inputs
        return [cntk.output_variable((steps.shape[0], recurrent.shape[0]), steps.dtype, steps.dynamic_axes)]

    def forward(self, arguments: List[np.ndarray], device: Any = None, outputs_to_retain: Any = None) -> Tuple[Any, np.ndarray]:
        passed = forward(*arguments)
        return (passed, arguments[1], arguments[2]), np.ascontiguousarray(passed.outputs[1:].transpose(2, 0, 1))

    def backward(self, state: Any, root_gradients: np.ndarray, variables: Dict[Any, np.ndarray]) -> None:
        for given, gradient in zip(self.inputs, backward(state[0], root_gradients, *state[1:])):
            if given in variables:
                variables[given] = np.ascontiguousarray(gradient)


class LSTM(keras.layers.LSTM):  # type: ignore[misc]
    """The same weights and outputs, and the same name in the model's file. For sequences whole, of fixed length, without mask."""

    def call(self, inputs: Any, mask: Any = None, training: Any = None, initial_state: Any = None) -> Any:
        assert self.return_sequences
        weights = self.cell.kernel, self.cell.recurrent_kernel, self.cell.bias
        return cntk.user_function(_Steps([inputs, *weights], name=self.name + "_steps"))
