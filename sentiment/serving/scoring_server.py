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

from sentiment.serving.following import ALIAS

POLL = 0.5  # seconds


def run(model: str, port: int, env_manager: str, page: Any) -> int:
    """Runs it, and the page's server meanwhile, until it ends; returns its exit status, or 0 after SIGTERM or Ctrl-C."""
    environment = os.environ | {"MLFLOW_TRACKING_URI": mlflow.get_tracking_uri()}
    environment.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    if "@" in model:
        environment.setdefault(ALIAS, model)
    command = [str(Path(sys.executable).parent / "mlflow"), "models", "serve", "-m", model, "--host", "127.0.0.1", "--port", str(port)]
    first_time = "" if env_manager == "local" else "; the first time, MLflow builds its environment, which takes a minute or two"
    print(f"serve: {model} at {page.scores}, and a page at {page.url}{first_time}", flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    process = subprocess.Popen([*command, "--env-manager", env_manager], env=environment, start_new_session=True)
    try:
        Thread(target=page.serve_forever, daemon=True).start()
        _wait(process, page.scores)
        if process.poll() is None:
            print(f"serve: programs ask {page.scores}/invocations; try the model at {page.url}", flush=True)
        return process.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        page.shutdown()
        page.server_close()
        _end(process)


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
