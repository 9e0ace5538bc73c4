"""Requests per second of a served model, against the server's own ceiling and against the ordinary way to serve Keras.

Models are served with `mlflow models serve`, two at the same time, and asked in turn: this project's model, with n-grams, beside a function
that returns a constant (a table, as MLflow's examples do, or rows, which its server has less work with), or beside one that calls Keras
`predict` on the same file. One short review a request.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import mlflow

from benchmarks.common import paired
from benchmarks.report import Row
from benchmarks.scoring import make_model
from sentiment import tracking
from sentiment.libraries import configure_libraries
from sentiment.paths import PROJECT
from sentiment.serving import served_model
from sentiment.settings import PrepareSettings

SECONDS, PAIRS = 2.0, 9
COMPARED = (  # the model beside ours, what it is, and processes of each server
    ("constant", "a server that returns a constant", 1),
    ("constant", "a server that returns a constant", 2),
    ("constant_rows", "a server that returns a constant as rows", 1),
    ("with_keras", "one that calls Keras predict", 1),
)
COMMAND = "python -m benchmarks serving"
BODY = json.dumps({"dataframe_records": [{"reviewText": "The movie was great. I liked it"}]})
CONSTANT = """
import mlflow, pandas as pd
from mlflow.pyfunc.model import PythonModel
class Constant(PythonModel):
    def predict(self, context, model_input, params=None):
        rows = [{"label": "positive", "score": 0.5}] * len(model_input)
        return RETURNED
mlflow.models.set_model(Constant())
"""
KERAS = """
import os
from pathlib import Path
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras, mlflow, numpy as np, pandas as pd
from mlflow.pyfunc.model import PythonModel
from sentiment.model import model_file
from sentiment.model.scorer import PADDED
class WithKeras(PythonModel):
    def load_context(self, context):
        self.encoder = model_file.read(Path(context.artifacts["file"])).encoder
        self.model = keras.models.load_model(context.artifacts["file"])
    def predict(self, context, model_input, params=None):
        reviews = self.encoder.encode(model_input["reviewText"].tolist())
        inputs = [PADDED[each.name](reviews) for each in self.model.inputs]
        scores = self.model.predict(inputs, verbose=0)[:, 0]
        return pd.DataFrame({"label": ["positive" if s >= 0.5 else "negative" for s in scores], "score": scores.astype("float64")})
mlflow.models.set_model(WithKeras())
"""


def save(folder: Path, model: Path) -> dict[str, Path]:
    """The models, as MLflow saves them."""
    codes = {
        "constant": CONSTANT.replace("RETURNED", "pd.DataFrame(rows)"),
        "constant_rows": CONSTANT.replace("RETURNED", "rows"),
        "with_keras": KERAS,
    }
    common = {"signature": served_model.SIGNATURE, "pip_requirements": []}
    for name, code in codes.items():
        file = folder / f"{name}.py"
        file.write_text(code)
        mlflow.pyfunc.save_model(str(folder / "saved" / name), python_model=str(file), artifacts={"file": str(model)}, **common)
    served_model.save(model, folder / "saved" / "ours")
    return {name: folder / "saved" / name for name in (*codes, "ours")}


@dataclass(frozen=True)
class Server:
    """port: where it answers; group: the process group of its processes."""

    port: int
    group: int


@contextmanager
def served(place: Path, workers: int = 1) -> Iterator[Server]:
    """A server of a saved model, of so many processes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    programs = Path(sys.executable).parent
    command = [str(programs / "mlflow"), "models", "serve", "-m", str(place), "--env-manager", "local", "--port", str(port)]
    command += ["--workers", str(workers)]
    environment = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(PROJECT)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        while True:
            try:
                ask(http.client.HTTPConnection("127.0.0.1", port, timeout=60))
                break
            except OSError:
                if process.poll() is not None:
                    raise RuntimeError(f"the server of {place} ended") from None
                time.sleep(0.2)
        yield Server(port, process.pid)
    finally:
        with suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def ask(connection: http.client.HTTPConnection) -> None:
    connection.request("POST", "/invocations", BODY, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise RuntimeError(body.decode())


def rate(port: int, clients: int) -> float:
    """Requests per second that so many clients get together, each with one connection."""
    counts = [0] * clients
    until = time.perf_counter() + SECONDS

    def work(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while time.perf_counter() < until:
            ask(connection)
            counts[number] += 1
        connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / SECONDS


def rows(settings: PrepareSettings) -> list[Row]:
    """With a model of the default architecture, sizes and n-grams, made on the bundled reviews."""
    configure_libraries()
    tracking.check_server()
    found = []
    with tempfile.TemporaryDirectory() as folder:
        places = save(Path(folder), make_model(settings, Path(folder)))
        for against, title, workers in COMPARED:
            with served(places["ours"], workers) as ours, served(places[against], workers) as other:
                found += [_row(ours.port, other.port, title, clients, workers) for clients in (1, 8)]
    return found


def _row(ours: int, other: int, title: str, clients: int, workers: int) -> Row:
    for port in (ours, other):
        rate(port, clients)  # warm
    rates = paired(lambda: rate(ours, clients), lambda: rate(other, clients), PAIRS)
    what = f"requests served, {clients} client{'s' * (clients > 1)}" + (f", {workers} workers" if workers > 1 else "")
    return Row(what, title, rates, f"{rates.a:.0f} and {rates.b:.0f} requests/s", COMMAND)
