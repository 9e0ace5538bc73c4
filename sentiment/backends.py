"""The four backends, and the interpreter that has each of them."""

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path

from sentiment import environments
from sentiment.errors import UserError
from sentiment.settings import BACKENDS


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
            return environments.build(self.name, environments.find_python(self.own_python))
        if importlib.util.find_spec(self.module):
            return Path(sys.executable)
        built = environments.built(self.name)
        if built is None:
            raise UserError(
                f"The backend is not installed. Received: backend={self.name}. Install it once with: make install BACKEND={self.name}"
            )
        return built

    def is_ready(self) -> bool:
        """Whether it can be used without building anything."""
        return environments.built(self.name) is not None or (not self.own_python and importlib.util.find_spec(self.module) is not None)


_ALL = (Backend("tensorflow", "tensorflow"), Backend("cntk", "cntk", "3.6"), Backend("jax", "jax"), Backend("torch", "torch"))
ALL = {backend.name: backend for backend in _ALL}
assert tuple(ALL) == BACKENDS


def install(name: str) -> Path:
    """Builds the environment of a backend, if it is not there yet; returns its interpreter."""
    backend = ALL[name]
    if backend.is_ready():
        return backend.interpreter()
    return environments.build(name, environments.find_python(backend.own_python) if backend.own_python else Path(sys.executable))


if __name__ == "__main__":
    try:
        for wanted in sys.argv[1:]:
            if wanted not in ALL:
                raise UserError(f"Unknown backend. Received: {wanted}. Use one of: {', '.join(ALL)}.")
            print(f"{wanted}: {install(wanted)}")
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
