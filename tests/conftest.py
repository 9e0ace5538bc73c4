"""What the tests share: a store of runs for each test, small reviews, one trainer for each backend, and models that it trained."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import psycopg
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.tracking import fluent
from optuna.storages import BaseStorage, RDBStorage
from psycopg import sql

from sentiment.backends.interpreters import ALL
from sentiment.paths import PROJECT
from sentiment.preparation import prepared, preparing
from sentiment.ragged import Ragged, from_lengths
from sentiment.reviews import find_source
from sentiment.settings import PrepareSettings, TrainSettings
from sentiment.text.vocabulary import Encoded, Encoder
from sentiment.training import training
from sentiment.training.trainer_process import Trainer
from sentiment.training.training import Trained
from sentiment.tuning import search

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background of a shell would hand down to ignore it
SHARED_DATA = PROJECT.parent / "shared" / "data"
# Of networks that are trained in a second or two.
SIZES: dict[str, Any] = {
    "embedding_size": 8, "lstm_size": 6, "filters": 7, "dense_size": 5, "batch_size": 16, "learning_rate": 0.01, "ngrams": 500
}  # fmt: skip


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty tracking store of the test's own; what MLflow keeps in globals is cleared behind it."""
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    mlflow.set_tracking_uri(uri)
    yield uri
    while mlflow.active_run():
        mlflow.end_run()
    fluent._active_experiment_id = None  # MLflow has no way to leave an experiment


def all_runs(uri: str, query: str = "") -> list[Run]:
    """The runs of all experiments, the newest first."""
    client = MlflowClient(uri)
    return list(client.search_runs([each.experiment_id for each in client.search_experiments()], query))


Launch = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def launch(tmp_path: Path) -> Launch:
    """Runs a program as a user would in the project's folder: `launch("mlflow", "run", ".")`, `launch("entry_points.train")`."""

    def run(program: str, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        command = [str(Path(sys.executable).parent / "mlflow")] if program == "mlflow" else [sys.executable, "-m", program]
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        env = os.environ | {"PATH": path, "MLFLOW_DEFAULT_ARTIFACT_ROOT": str(tmp_path / "artifacts")} | environment
        return subprocess.run(
            [*command, *arguments], cwd=PROJECT, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=900
        )

    return run


@contextmanager
def running(folder: Path, health: str, *arguments: str, **environment: str) -> Iterator[str]:
    """The address of an `mlflow` server that is run with these arguments, on a free port; `health` is a path that answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    programs = Path(sys.executable).parent
    env = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"} | environment
    log = folder / "server.log"
    with log.open("w") as output:
        command = [str(programs / "mlflow"), *arguments, "--host", "127.0.0.1", "--port", str(port)]
        process = subprocess.Popen(command, stdout=output, stderr=output, env=env, cwd=folder, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(3000):
            try:
                with urllib.request.urlopen(url + health, timeout=5):
                    break
            except OSError:
                assert process.poll() is None, log.read_text()
                time.sleep(0.2)
        yield url
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(120)  # a busy machine


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `prepared.h5` of the bundled reviews, with few and short ones."""
    path = tmp_path_factory.mktemp("small") / "prepared.h5"
    settings = PrepareSettings(sample=80, vocabulary_size=300, max_length=40, validation_fraction=0.25)
    made, _ = preparing.prepare(find_source(settings), settings)
    prepared.write(made, path)
    return path


@pytest.fixture(scope="session")
def trainers() -> Iterator[Callable[[str], Trainer]]:
    """One running trainer for each backend, started when first asked for."""
    running: dict[str, Trainer] = {}

    def get(name: str) -> Trainer:
        if name not in running:
            running[name] = Trainer(ALL[name])
        return running[name]

    yield get
    for trainer in running.values():
        trainer.close()


def train_small(trainer: Trainer, data: Path, model: Path, start: Path | None = None, **settings: Any) -> Trained:
    """Trains as `train` does, on a `prepared.h5`, with SIZES but for the settings that are named, and writes the model."""
    chosen = TrainSettings(**{"backend": trainer.backend.name, **SIZES, **settings})
    return training.train(trainer, chosen, prepared.read(data), model, lambda epoch, metrics: False, start=start)


def random_reviews(lengths: list[int], encoder: Encoder, seed: int = 0) -> Encoded:
    """Reviews of random tokens, each with the start token first, and of random n-grams, a third as many."""
    random = np.random.default_rng(seed)
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    tokens = random.integers(2, encoder.size, offsets[-1]).astype(np.int32)
    tokens[offsets[:-1]] = 1
    counts = np.array(lengths) // 3 if len(encoder.ngrams) else np.zeros(len(lengths), int)
    ngrams = random.integers(1, len(encoder.ngrams) + 1, counts.sum()).astype(np.int32)
    return Encoded(Ragged(tokens, offsets), from_lengths(ngrams, counts))


def assert_same_encoder(one: Encoder, other: Encoder) -> None:
    assert (one.settings, one.vocabulary, one.more_words) == (other.settings, other.vocabulary, other.more_words)
    assert one.ngrams.prefix.tolist() == other.ngrams.prefix.tolist()
    assert one.ngrams.last.tolist() == other.ngrams.last.tolist()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL server, without a database's name; it may not run as root."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    folders = [*map(str, reversed(programs)), os.environ.get("PATH", "")]
    server = shutil.which("postgres", path=os.pathsep.join(folders))
    assert server, "There is no PostgreSQL server on this machine."
    owner = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    if owner:
        shutil.chown(folder, owner)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    initialize = [str(Path(server).parent / "initdb"), "-D", str(folder / "data"), "-U", "tuner", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run(initialize, check=True, capture_output=True, user=owner, cwd=folder)
    options = ["-D", str(folder / "data"), "-p", str(port), "-h", "127.0.0.1", "-k", str(folder), "-c", "fsync=off"]
    with (folder.parent / f"{folder.name}.log").open("w") as log:
        process = subprocess.Popen([server, *options], stdout=log, stderr=log, user=owner, cwd=folder)
    try:
        ready = [str(Path(server).parent / "pg_isready"), "-h", "127.0.0.1", "-p", str(port)]
        while subprocess.run(ready, capture_output=True).returncode:
            assert process.poll() is None, Path(log.name).read_text()
            time.sleep(0.1)
        yield f"postgresql://tuner@127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)  # its fast shutdown
        process.wait(60)
        shutil.rmtree(folder)
        Path(log.name).unlink()


@pytest.fixture
def database(postgres: str) -> str:
    """The address of a new database."""
    name = f"study{time.monotonic_ns()}"
    with psycopg.connect(f"{postgres}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return f"{postgres}/{name}"


@contextmanager
def opened(given: str) -> Iterator[BaseStorage]:
    """A storage; a database's connections are closed at the end."""
    storage = search.open_storage(given)
    yield storage
    if isinstance(storage, RDBStorage):
        storage.remove_session()
        storage.engine.dispose()


@pytest.fixture
def journal(tmp_path: Path) -> str:
    """Where a study of the test's own is kept."""
    return str(tmp_path / "optuna.journal")
