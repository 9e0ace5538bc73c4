"""MLflow's scoring server as a process beside the page's."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from threading import Thread
from typing import Any

import mlflow
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from sentiment.database_server import connect_once
from sentiment.errors import UserError
from sentiment.progress import Wait
from sentiment.serving.following import ALIAS

POLL = 0.5  # seconds
STARTS = 10  # seconds
ENDING = (signal.SIGTERM, signal.SIGINT)
NOT_GIVEN = "The tracking server does not give the model."


def check(model: str) -> None:
    """Before an environment is made for it.

    Raises:
        UserError: There is no such model, or the tracking server does not give it.
    """
    try:
        connect_once(mlflow.get_tracking_uri())
        mlflow.models.get_model_info(model)
    except (MlflowException, SQLAlchemyError) as error:
        if isinstance(error, MlflowException) and error.error_code == "RESOURCE_DOES_NOT_EXIST":
            raise UserError(f"There is no such model. Received: model={model}. Train and register one: make run") from None
        raise UserError(f"{NOT_GIVEN} Received: model={model}. See that its address is right and that it answers: make doctor") from error
    except OSError as error:
        raise UserError(f"There is no such model. Received: model={model}: {error.strerror or error}. Train one: make run") from None


def run(model: str, port: int, env_manager: str, page: Any) -> int:
    """Runs it, and the page's server meanwhile, until it ends; returns its exit status, or 0 after SIGTERM or Ctrl-C."""
    environment = os.environ | {"MLFLOW_TRACKING_URI": mlflow.get_tracking_uri()}
    environment.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    if "@" in model:
        environment.setdefault(ALIAS, model)
    command = [str(Path(sys.executable).parent / "mlflow"), "models", "serve", "-m", model, "--host", "127.0.0.1", "--port", str(port)]
    first_time = "" if env_manager == "local" else "; the first time, MLflow builds its environment, which takes a minute or two"
    print(f"serve: {model} at {page.scores}, and a page at {page.url}{first_time}", flush=True)
    for number in ENDING:
        signal.signal(number, _interrupt)
    process = subprocess.Popen([*command, "--env-manager", env_manager], env=environment, start_new_session=True)
    starting = Wait("serve: starting MLflow's scoring server", STARTS)
    try:
        Thread(target=page.serve_forever, daemon=True).start()
        _wait(process, page.scores)
        if process.poll() is None:
            starting.arrived()
            print(f"serve: programs ask {page.scores}/invocations; try the model at {page.url}", flush=True)
        return process.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        starting.close()
        _end(process)
        page.shutdown()
        page.server_close()


def _interrupt(number: int, frame: Any) -> None:
    """Once: a second signal would leave the scoring server behind."""
    for each in ENDING:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def _wait(process: "subprocess.Popen[bytes]", url: str) -> None:
    """Until the server answers or has ended."""
    while process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/ping", timeout=5):
                return
        except OSError:
            time.sleep(POLL)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ends it with all that it has begun: its own process group."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
