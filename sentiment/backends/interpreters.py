"""The backends, and the interpreter that has each of them."""

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path

from sentiment.backends import environments
from sentiment.errors import UserError
from sentiment.settings import KERAS_BACKENDS


@dataclass(frozen=True)
class Backend:
    """A Keras backend.

    module: what it is imported as; own_python: the version of its interpreter, where it can't be this one.
    """

    name: str
    module: str
    own_python: str | None = None

    def interpreter(self) -> Path:
        """The Python that trains on it. CNTK's environment is built if need be, which takes minutes the first time.

        Raises:
            UserError: It is not installed.
        """
        if self.own_python:
            return environments.build(self.name, self.own_python)
        cuda = environments.built(cuda_name(self.name))
        if cuda is None and importlib.util.find_spec(self.module):
            return Path(sys.executable)
        built = cuda or environments.built(self.name)
        if built is None:
            raise UserError(
                f"The backend is not installed. Received: backend={self.name}. Install it once with: make install BACKEND={self.name}"
            )
        return built

    def is_ready(self) -> bool:
        """Whether it can be used without building anything."""
        names = (self.name, cuda_name(self.name))
        return any(map(environments.built, names)) or (not self.own_python and importlib.util.find_spec(self.module) is not None)


ALL = {backend.name: Backend(backend.name, backend.name, backend.python) for backend in KERAS_BACKENDS}
DEVICES = ("cpu", "cuda")


def parse_names(backends: str) -> list[str]:
    """The backends that the parameter `backends` names: `all` that are installed, or names with commas between.

    Raises:
        UserError: There is no such backend, or it is not installed.
    """
    if backends == "all":
        return [name for name, backend in ALL.items() if backend.is_ready()]
    names = list(dict.fromkeys(name.strip() for name in backends.split(",")))
    for name in names:
        if name not in ALL:
            raise UserError(f"Unknown backend. Received: backends={backends}. Use all, or some of: {', '.join(ALL)}.")
        ALL[name].interpreter()
    return names


def cuda_name(backend: str) -> str:
    """The name of the environment that has the backend for NVIDIA's GPUs. Where it is built, it is preferred."""
    return f"{backend}-cuda"


def install(name: str, device: str) -> Path:
    """Builds the environment of a backend for a device, if it is not there yet; returns its interpreter.

    Raises:
        UserError: There is no such backend or device, or the build failed.
    """
    if name not in ALL:
        raise UserError(f"Unknown backend. Received: {name}. Use one of: {', '.join(ALL)}.")
    if device not in DEVICES:
        raise UserError(f"Unknown device. Received: DEVICE={device}. Use one of: {', '.join(DEVICES)}.")
    backend = ALL[name]
    if device == "cuda":
        if not environments.has_recipe(cuda_name(name)):
            raise UserError(f"DEVICE=cuda is not to be had for {name}. Received: BACKEND={name}. Leave DEVICE out: it computes on the CPU.")
        return environments.build(cuda_name(name))
    if backend.is_ready():
        return backend.interpreter()
    return environments.build(name, backend.own_python)
