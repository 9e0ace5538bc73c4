"""Commands and addresses that work with the tracking server that there is now: what is to be done next, to be typed or clicked."""

import logging
import os
import re
import shlex
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import mlflow
from mlflow.entities import RunInfo

from sentiment.settings import CHAMPION, as_text, parameters
from sentiment.tracking import redaction, server
from sentiment.tracking.server import MLFLOWS_OWN

LOCAL_PAGES, PORT = "http://127.0.0.1", "5000"  # where `make ui` shows what is in a file or a database
MODE = "workflowType=machine_learning"  # of MLflow's pages, which open for generative models by default
MAIN_RUNS = "tags.step='main'"  # the charts begin with the ten newest of those that are listed
COLUMN = 64  # characters; longer commands reach beyond it
log = logging.getLogger(__name__)


def entry_point(name: str, **parameters: str) -> str:
    """`mlflow run . -e register -P run=…`, in an environment and an experiment like those of this command."""
    words = ["mlflow run ."]
    if not Path(sys.prefix).is_relative_to(os.environ.get("MLFLOW_ENV_ROOT", Path.home() / ".mlflow" / "envs")):
        words.append("--env-manager local")
    if server.experiment_name() != MLFLOWS_OWN:
        words.append(f"--experiment-name {shlex.quote(server.experiment_name())}")
    if name != "main":
        words.append(f"-e {name}")
    return " ".join([*words, *(f"-P {key}={shlex.quote(value)}" for key, value in parameters.items())])


def changed(settings: Any) -> dict[str, str]:
    """The parameters that have another value than their default, as `entry_point` takes them."""
    values = {each.name: (getattr(settings, each.name), each.default) for each in parameters(type(settings))}
    return {name: as_text(value) for name, (value, default) in values.items() if value != default}


def serve(model: str) -> str:
    """What serves a registered model."""
    return "make serve" if model == CHAMPION else f"mlflow models serve -m {model} --env-manager uv -p 5001"


def pages(port: str = PORT) -> str:
    """The address of MLflow's pages, without a login. port: of those of a file or a database."""
    address = mlflow.get_tracking_uri()
    return re.sub(r"://[^/@]*@", "://", address).rstrip("/") if address.startswith("http") else f"{LOCAL_PAGES}:{port}"


def run_page(run: RunInfo) -> str:
    return f"{pages()}/#/experiments/{run.experiment_id}/runs/{run.run_id}?{MODE}"


def curves_page(experiment: str, server: str = "") -> str:
    """The page that has the curves of all main runs of an experiment over one another, and what they ended with side by side."""
    return f"{server or pages()}/#/experiments/{experiment}/runs?searchFilter={quote(MAIN_RUNS)}&compareRunsMode=CHART&{MODE}"


def open_page(address: str) -> tuple[str, str]:
    """The command that shows a page, and what to do then; of a server that runs already, the page's address."""
    if not mlflow.get_tracking_uri().startswith("http"):
        return "make ui", f"then open {address}"
    return address, "the run"


def in_another_shell(commands: list[str]) -> str:
    """The commands as a block of Markdown, after the `export` that names the tracking server, if the environment names one."""
    address = os.environ.get("MLFLOW_TRACKING_URI")
    return "\n".join(["```", *([f"export MLFLOW_TRACKING_URI={redaction.redacted_uri()}"] if address else []), *commands, "```"])


def log_next_steps(*steps: tuple[str, str]) -> None:
    """Logs commands to go on with, each with its purpose."""
    width = min(COLUMN, max(len(command) for command, _ in steps))
    for command, purpose in steps:
        kind = "open" if command.startswith("http") else "next"  # a page, or a command
        log.info("%s: %s  # %s", kind, command.ljust(width), purpose)
