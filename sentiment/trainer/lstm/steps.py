"""An LSTM's steps through time on a CPU, for all backends: forward and backward, compiled by Numba.

A framework takes each step as a dozen operations, which cost more to begin than to do. Here a direction is one call. The rows of a
batch don't know of each other, so each core has its part of them, without Python's lock.

Within, states are `[units, batch]`, so that the numbers of a gate lie together. Gates are in Keras's order: input, forget,
candidate, output.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import List, NamedTuple, Tuple

import numpy as np
from numba import njit

LEAST_ROWS = 8  # of a part: with fewer, the products of a step are too small

HALF, ONE, TWO = np.float32(0.5), np.float32(1), np.float32(2)
_compiled = njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})  # contract: a product and a sum in one


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


def forward(inputs: np.ndarray, kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray) -> Tuple[np.ndarray, List[Passed]]:
    """Hochreiter & Schmidhuber's LSTM with forget gate: outputs, `<float32>[batch, time, units]`, and what `backward` needs.

    inputs: `<float32>[batch, time, channels]`; the weights as Keras has them.
    """
    outputs = np.empty(inputs.shape[:2] + recurrent.shape[:1], np.float32)
    passed = list(_threads.map(lambda rows: _forward(inputs[rows], kernel, recurrent, bias, outputs[rows]), _parts(len(inputs))))
    return outputs, passed


def backward(passed: List[Passed], wanted: np.ndarray, kernel: np.ndarray, recurrent: np.ndarray) -> Tuple[np.ndarray, ...]:
    """The gradients of inputs, kernel, recurrent kernel and bias, given that of the outputs, `<float32>[batch, time, units]`."""
    of_inputs = np.empty(wanted.shape[:2] + kernel.shape[:1], np.float32)
    parts = zip(passed, _parts(len(wanted)))
    found = list(_threads.map(lambda part: _backward(part[0], wanted[part[1]], kernel, recurrent, of_inputs[part[1]]), parts))
    of_kernel, of_recurrent, of_bias = (np.sum(of_parts, axis=0) for of_parts in zip(*found))
    return of_inputs, of_kernel, of_recurrent, of_bias


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_threads = ThreadPoolExecutor(_cores())


def _parts(rows: int) -> List[slice]:
    """One for each core."""
    count = max(1, min(_cores(), rows // LEAST_ROWS))
    return [slice(rows * part // count, rows * (part + 1) // count) for part in range(count)]


def _forward(inputs: np.ndarray, kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray, outputs: np.ndarray) -> Passed:
    """Some rows; fills their `outputs`."""
    steps, units = np.array(inputs.transpose(1, 2, 0), order="C"), len(recurrent)  # a copy: TensorFlow takes its memory back
    time, _, batch = steps.shape
    scale = np.repeat(np.array([0.5, 0.5, 1, 0.5], np.float32), units)  # the logistic function of z is 1/2 + 1/2 tanh z/2
    gates = np.matmul((kernel * scale).T, steps)  # what does not wait for the step before
    gates += (bias * scale)[:, None]
    outputs_from_0, cells, tanh = (np.empty((time + more, units, batch), np.float32) for more in (1, 1, 0))
    passed = Passed(steps, gates.reshape(time, 4, units, batch), outputs_from_0, cells, tanh)
    _steps_forward(np.ascontiguousarray((recurrent * scale).T), *passed[1:])
    outputs[:] = passed.outputs[1:].transpose(2, 0, 1)
    return passed


def _backward(
    passed: Passed, wanted: np.ndarray, kernel: np.ndarray, recurrent: np.ndarray, of_inputs: np.ndarray
) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Some rows; fills the gradients of their inputs and returns their share of those of the weights."""
    time, _, units, batch = passed.gates.shape
    of_sums = np.empty((4 * units, time, batch), np.float32)
    of_outputs = np.array(wanted.transpose(1, 2, 0), order="C")
    _steps_backward(np.array(recurrent), passed.gates, passed.cells, passed.tanh, of_outputs, of_sums)
    flat = of_sums.reshape(4 * units, time * batch)
    of_inputs[:] = np.matmul(kernel, flat).reshape(-1, time, batch).transpose(2, 1, 0)
    return np.matmul(_flat(passed.inputs), flat.T), np.matmul(_flat(passed.outputs[:-1]), flat.T), flat.sum(axis=1)


def _flat(steps: np.ndarray) -> np.ndarray:
    """`[time, channels, batch]` to `[channels, time * batch]`."""
    return steps.transpose(1, 0, 2).reshape(steps.shape[1], -1)


@_compiled
def _bend(sums: np.ndarray, into: np.ndarray) -> None:
    """Hyperbolic tangents: Lambert's continued fraction to its sixth term, for x / 4; then twice tanh 2y = 2 tanh y / (1 + tanh² y).

    Within 2e-7. Written out, as the C library's takes one number at a time.
    """
    for place in range(len(sums)):
        x = min(max(sums[place], np.float32(-9)), np.float32(9)) / np.float32(4)
        y = x * x
        above = x * (np.float32(10395) + y * (np.float32(1260) + y * np.float32(21)))
        below = np.float32(10395) + y * (np.float32(4725) + y * (np.float32(210) + y))
        above, below = TWO * above * below, below * below + above * above
        into[place] = TWO * above * below / (below * below + above * above)


@_compiled
def _steps_forward(recurrent: np.ndarray, gates: np.ndarray, outputs: np.ndarray, cells: np.ndarray, tanh: np.ndarray) -> None:
    """Adds to `gates`, which hold what the inputs give, and fills the others. recurrent: transposed."""
    time, _, units, batch = gates.shape
    size = units * batch
    sums = np.empty((4 * units, batch), np.float32)
    outputs[0] = 0
    cells[0] = 0
    for step in range(time):
        np.dot(recurrent, outputs[step], sums)
        all_gates, from_state = gates[step].reshape(4 * size), sums.reshape(4 * size)
        for place in range(4 * size):
            from_state[place] += all_gates[place]
        _bend(from_state, all_gates)
        for first, last in ((0, 2 * size), (3 * size, 4 * size)):
            for place in range(first, last):
                all_gates[place] = HALF + HALF * all_gates[place]
        take, keep, candidate, give = all_gates[:size], all_gates[size : 2 * size], all_gates[2 * size : 3 * size], all_gates[3 * size :]
        before, cell = cells[step].reshape(size), cells[step + 1].reshape(size)
        bent, output = tanh[step].reshape(size), outputs[step + 1].reshape(size)
        for place in range(size):
            cell[place] = keep[place] * before[place]
        for place in range(size):
            cell[place] += take[place] * candidate[place]
        _bend(cell, bent)
        for place in range(size):
            output[place] = give[place] * bent[place]


@_compiled
def _steps_backward(
    recurrent: np.ndarray, gates: np.ndarray, cells: np.ndarray, tanh: np.ndarray, wanted: np.ndarray, of_sums: np.ndarray
) -> None:
    """Fills `of_sums`, `[4 * units, time, batch]`: the gradients of what the gates are functions of."""
    time, _, units, batch = gates.shape
    size = units * batch
    of_outputs, of_cell = np.zeros((units, batch), np.float32), np.zeros(size, np.float32)
    sums = np.empty((4 * units, batch), np.float32)
    of_take, of_keep, of_candidate, of_give = sums.reshape(4, size)
    of_output = of_outputs.reshape(size)
    for step in range(time - 1, -1, -1):
        take, keep, candidate, give = gates[step].reshape(4, size)
        before, bent, more = cells[step].reshape(size), tanh[step].reshape(size), wanted[step].reshape(size)
        for place in range(size):
            of_output[place] += more[place]
        for place in range(size):
            of_cell[place] += of_output[place] * give[place] * (ONE - bent[place] * bent[place])
        for place in range(size):
            of_take[place] = of_cell[place] * candidate[place] * take[place] * (ONE - take[place])
        for place in range(size):
            of_keep[place] = of_cell[place] * before[place] * keep[place] * (ONE - keep[place])
        for place in range(size):
            of_candidate[place] = of_cell[place] * take[place] * (ONE - candidate[place] * candidate[place])
        for place in range(size):
            of_give[place] = of_output[place] * bent[place] * give[place] * (ONE - give[place])
        for place in range(size):
            of_cell[place] *= keep[place]
        for unit in range(4 * units):
            for row in range(batch):
                of_sums[unit, step, row] = sums[unit, row]
        np.dot(recurrent, sums, of_outputs)
