"""A server that follows an alias: where MODEL_ALIAS_REFRESH says so, it takes the version that the alias then has, without a restart.

A new version is taken once it has scored the golden texts as it did where it was saved. Whatever goes wrong, the present one stays.
What scores is the code that the server began with: a version whose file only a later one reads is refused.
"""

import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import mlflow
from mlflow import MlflowClient

from sentiment.errors import UserError
from sentiment.serving.loaded import Loaded, load
from sentiment.settings import CHAMPION

REFRESH, ALIAS = "MODEL_ALIAS_REFRESH", "MODEL_ALIAS"  # environment variables: seconds between two looks, and models:/name@alias
REGISTRY = "models:/"


def follow(served: Loaded, replace: Callable[[Loaded], None]) -> None:
    """Begins to look at the registry, in a thread, if the environment says so. replace: gets each new model.

    Raises:
        UserError: The environment says something else.
    """
    text, address = os.environ.get(REFRESH, ""), os.environ.get(ALIAS, CHAMPION)
    if not text:
        return
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not (math.isfinite(seconds) and seconds > 0):
        raise UserError(f"{REFRESH} is not a number of seconds. Received: {REFRESH}={text}. Give one, such as 30.")
    name, _, alias = address.removeprefix(REGISTRY).rpartition("@")
    if not (address.startswith(REGISTRY) and name and alias):
        raise UserError(f"{ALIAS} is not the address of an alias. Received: {ALIAS}={address}. Give one such as {CHAMPION}.")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    Thread(target=_Follower(name, alias, served, replace).run, args=(seconds,), daemon=True).start()


class _Follower:
    def __init__(self, name: str, alias: str, served: Loaded, replace: Callable[[Loaded], None]) -> None:
        self._name, self._alias, self._served, self._replace = name, alias, served, replace
        self._refused = ""  # a version that was tried, and is not tried again
        self._told = ""

    def run(self, seconds: float) -> None:
        while True:
            time.sleep(seconds)
            try:
                self._log(self._look())
            except Exception as error:  # whatever it is, the server goes on
                reason = " ".join(str(error).split())[:300] or type(error).__name__
                self._log(f"serve: {self._served.title} stays: {reason}")

    def _look(self) -> str:
        """Takes the version that has the alias, if it is another; returns what there is to say."""
        version = str(MlflowClient().get_model_version_by_alias(self._name, self._alias).version)
        if version == self._refused:
            return self._told
        if (self._name, version) == (self._served.name, self._served.version):
            return ""
        with TemporaryDirectory() as temporary:
            folder = Path(mlflow.artifacts.download_artifacts(f"{REGISTRY}{self._name}/{version}", dst_path=temporary))
            self._refused = version
            try:
                new = load(folder)
                new.check()
            except Exception as error:
                raise UserError(f"version {version} of {self._name} is refused: {error}") from error
        before, self._served, self._refused = self._served, new, ""
        self._replace(new)
        return f"serve: {new.title} in place of {before.title}: {new.line()}"

    def _log(self, line: str) -> None:
        """Not the same twice, such as that the registry is away."""
        if line and line != self._told:
            print(line, flush=True)
        self._told = line
