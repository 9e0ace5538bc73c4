"""The backends that Keras may run on. docs/extending.md adds one."""

from typing import NamedTuple


class KerasBackend(NamedTuple):
    """name: as Keras and Python know it; title: as people write it; python: the version of its interpreter, where it can't be this one's."""

    name: str
    title: str
    python: str | None = None


KERAS_BACKENDS = (
    KerasBackend("tensorflow", "TensorFlow"),
    KerasBackend("cntk", "CNTK", python="3.6"),
    KerasBackend("jax", "JAX"),
    KerasBackend("torch", "PyTorch"),
)
BACKENDS = tuple(backend.name for backend in KERAS_BACKENDS)
