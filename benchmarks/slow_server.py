"""A training whose tracking server takes two seconds for each request, against one whose server answers at once.

Both are the command that users give, on the bundled reviews, for three epochs; the server is a real one behind a proxy that waits.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.common import paired, seconds
from benchmarks.report import Row
from sentiment.paths import PROJECT
from tests.faults import faulty
from tests.processes import running

DELAY, EPOCHS, PAIRS = 2.0, 3, 3
COMMAND = "python -m benchmarks slow_server"


def rows() -> list[Row]:
    """One, with the number of requests of a training."""
    with tempfile.TemporaryDirectory() as name:
        kept = ["--backend-store-uri", f"sqlite:///{name}/mlflow.db", "--artifacts-destination", f"{name}/kept", "--workers", "1"]
        with running(Path(name), "/health", "server", *kept) as server, faulty(server) as proxy:
            _command(proxy.url, "prepare")

            def train(delay: float) -> float:
                proxy.delay = delay
                proxy.requests.clear()
                return seconds(lambda: _command(proxy.url, "train", f"--epochs={EPOCHS}"))

            train(0)  # warm
            times = paired(lambda: train(DELAY), lambda: train(0), PAIRS)
            requests = len(proxy.requests)
    measured = f"{times.a:.0f} and {times.b:.0f} s, the command from its start; {EPOCHS} epochs, {requests} requests"
    return [Row(f"training on a server of {DELAY:g} s a request (less is better)", "on one that answers at once", times, measured, COMMAND)]


def _command(server: str, *words: str) -> None:
    step, *options = words
    command = [sys.executable, "-m", f"entry_points.{step}", *options]
    subprocess.run(command, cwd=PROJECT, env=os.environ | {"MLFLOW_TRACKING_URI": server}, check=True, capture_output=True)
