"""Keras as this process has it, and the few places where Keras 2.1.6 on CNTK and Keras 3 go different ways."""

import random
from typing import Any, Dict, List, Optional

import keras
import numpy as np

BACKEND = keras.backend.backend()
VERSION = keras.__version__
# CNTK cannot run a model over a dimension that varies as fast as over one that does not, and backward layers not at all.
STATIC_LENGTHS = BACKEND == "cntk"
# The most lengths to pad batches to, where each costs a compilation or a model, and where none does.
MOST_SHAPES = 8 if BACKEND in ("cntk", "jax") else 24


def lstm() -> Any:
    """The class of LSTM layers: our own on a CPU, Keras's where there is a GPU."""
    if _has_gpu():
        return keras.layers.LSTM
    from sentiment.trainer.lstm.layer import LSTM

    return LSTM


def _has_gpu() -> bool:
    if BACKEND == "tensorflow":
        import tensorflow

        return bool(tensorflow.config.list_physical_devices("GPU"))
    if BACKEND == "jax":
        import jax

        return bool(jax.default_backend() != "cpu")
    return BACKEND == "torch" and bool(keras.ops.zeros(1).device.type != "cpu")


def fix_threads(count: int) -> None:
    """The sums of some operations depend on how many threads share them. TensorFlow and JAX are told by the environment.

    CNTK has one: a second gains an LSTM nothing.
    """
    if BACKEND == "cntk":
        import cntk

        cntk.cntk_py.set_max_num_cputhreads(1)
    elif BACKEND == "torch":
        import torch

        torch.set_num_threads(count)


def start_over(seed: int) -> None:
    """Forgets the models before, and fixes every random choice from here on."""
    keras.backend.clear_session()
    if BACKEND == "cntk":
        import cntk

        random.seed(seed)
        np.random.seed(seed)  # Keras 2 draws the seeds of its initializers here
        cntk.cntk_py.set_fixed_random_seed(seed)
    else:
        keras.utils.set_random_seed(seed)
        if BACKEND == "tensorflow":
            import tensorflow

            tensorflow.config.experimental.enable_op_determinism()


def adam(learning_rate: float) -> Any:
    """Adam as in Kingma & Ba (2015), with Keras's epsilon of 1e-7 in both generations."""
    if BACKEND == "cntk":
        return _shared_adam()(lr=learning_rate)
    return keras.optimizers.Adam(learning_rate)


def _shared_adam() -> Any:
    """Keras 2's Adam keeps its moments by model; with a model for each length they have to belong to the weights."""
    backend = keras.backend

    class SharedAdam(keras.optimizers.Adam):  # type: ignore[misc]
        moments: Optional[Dict[Any, Any]] = None

        def get_updates(self, loss: Any, params: List[Any]) -> List[Any]:
            self.moments = self.moments or {}
            step = self.iterations + 1
            rate = self.lr * (backend.sqrt(1.0 - backend.pow(self.beta_2, step)) / (1.0 - backend.pow(self.beta_1, step)))
            updates = [backend.update_add(self.iterations, 1)]
            for weight, gradient in zip(params, self.get_gradients(loss, params)):
                if weight not in self.moments:
                    shape = backend.int_shape(weight)
                    self.moments[weight] = backend.zeros(shape), backend.zeros(shape)
                first, second = self.moments[weight]
                new_first = self.beta_1 * first + (1.0 - self.beta_1) * gradient
                new_second = self.beta_2 * second + (1.0 - self.beta_2) * backend.square(gradient)
                moved = weight - rate * new_first / (backend.sqrt(new_second) + self.epsilon)
                updates += [backend.update(first, new_first), backend.update(second, new_second), backend.update(weight, moved)]
            self.updates = updates
            return updates

    return SharedAdam


def compile_model(model: Any, optimizer: Any) -> None:
    options = {} if BACKEND in ("cntk", "torch") else {"jit_compile": BACKEND == "jax"}
    model.compile(optimizer=optimizer, loss="binary_crossentropy", weighted_metrics=["accuracy"], **options)


def row_weights(rows: int, size: int) -> np.ndarray:
    """`<float32>[size]`: 0 for the rows that fill up a batch, such that the loss is the mean over the `rows` real ones.

    Keras 2 divides the weighted sum by the number of weights that are not 0, Keras 3 by that of all.
    """
    weights = np.zeros(size, np.float32)
    weights[:rows] = 1 if BACKEND == "cntk" else size / rows
    return weights


def train_step(model: Any, inputs: List[np.ndarray], labels: np.ndarray, weights: np.ndarray) -> List[float]:
    """One step; returns the batch's own loss and accuracy."""
    return [float(value) for value in model.train_on_batch(inputs, labels, sample_weight=weights)]
