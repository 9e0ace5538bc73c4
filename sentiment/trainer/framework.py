"""Keras as this process has it, and the few places where Keras 2.1.6 on CNTK and Keras 3 go different ways."""

import importlib
import os
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
    """The class of LSTM layers: Keras's, or one that calls the backend's own LSTM where Keras has but a loop, on a CPU."""
    if BACKEND in ("tensorflow", "torch") and device() == "cpu":
        return importlib.import_module("sentiment.trainer.{}_lstm".format(BACKEND)).LSTM
    return keras.layers.LSTM


def device() -> str:
    """What computes: `cpu`, or the GPU's name."""
    if BACKEND == "tensorflow":
        import tensorflow

        gpus = tensorflow.config.list_physical_devices("GPU")
        return str(tensorflow.config.experimental.get_device_details(gpus[0]).get("device_name", "gpu")) if gpus else "cpu"
    if BACKEND == "jax":
        import jax

        return str(jax.devices()[0].device_kind)
    if BACKEND == "torch":
        import torch

        return str(torch.cuda.get_device_name(0)) if torch.cuda.is_available() else "cpu"
    return "cpu"


def fix_threads() -> None:
    """The sums of some operations depend on how many threads share them. Environment variables set those of the others.

    CNTK has one: two share each step of an LSTM, and wait for one another more than they compute.
    """
    if BACKEND == "cntk":
        import cntk

        cntk.cntk_py.set_max_num_cputhreads(1)


def share_cores(with_lstm: bool) -> None:
    """PyTorch shares each step of an LSTM between threads, which wait for one another more than they compute."""
    if BACKEND == "torch":
        import torch

        torch.set_num_threads(1 if with_lstm else int(os.environ["OMP_NUM_THREADS"]))


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
    return (_dense_adam() if BACKEND == "tensorflow" else keras.optimizers.Adam)(learning_rate)


def _dense_adam() -> Any:
    """Adam that sums the rows of an embedding's gradient first.

    On TensorFlow the gradient is a list of rows, in which a word is as often as the batch has it. Keras 3's Adam squares each of these by
    itself, where the square of their sum is meant, so that frequent words would go too far.
    """
    import tensorflow

    class DenseAdam(keras.optimizers.Adam):  # type: ignore[misc]
        def apply(self, grads: List[Any], trainable_variables: Any = None) -> Any:
            return super().apply([tensorflow.convert_to_tensor(gradient) for gradient in grads], trainable_variables)

    return DenseAdam


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
    model.compile(optimizer=optimizer, loss="binary_crossentropy", weighted_metrics=["accuracy"], **_compiling())


def compile_language_model(model: Any, optimizer: Any) -> None:
    """Each step of a row has a label, which is an index, and a weight."""
    options = {"sample_weight_mode": "temporal"} if VERSION < "3" else {}
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", **_compiling(), **options)


def _compiling() -> Dict[str, Any]:
    return {} if BACKEND in ("cntk", "torch") else {"jit_compile": BACKEND == "jax"}


def row_weights(rows: int, size: int) -> np.ndarray:
    """`<float32>[size]`: 0 for the rows that fill up a batch, such that the loss is the mean over the `rows` real ones."""
    return mean_weights(np.arange(size) < rows)


def mean_weights(real: np.ndarray) -> np.ndarray:
    """`<float32>`, of that shape: 0 for what is not real, such that the loss is the mean over what is.

    Keras 2 divides the weighted sum by the number of weights that are not 0, Keras 3 by that of all.
    """
    return real.astype(np.float32) * np.float32(1 if BACKEND == "cntk" else real.size / max(real.sum(), 1))


def train_step(model: Any, inputs: List[np.ndarray], labels: np.ndarray, weights: np.ndarray) -> List[float]:
    """One step; returns the batch's own loss and accuracy."""
    return [float(value) for value in model.train_on_batch(inputs, labels, sample_weight=weights)]
