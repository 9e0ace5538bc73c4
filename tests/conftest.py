"""What the tests share: a store of runs for each test, small reviews, one trainer for each backend, and models that it trained."""

import logging
import os
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow
import psycopg
import pytest
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from mlflow.tracking import fluent
from optuna.storages import BaseStorage, RDBStorage
from psycopg import sql

from sentiment.backends.interpreters import ALL
from sentiment.libraries import EXPERIMENT
from sentiment.paths import PROJECT
from sentiment.preparation import prepared, preparing
from sentiment.preparation.prepared import Prepared
from sentiment.reviews import find_source
from sentiment.settings import PrepareSettings
from sentiment.training.trainer_process import Trainer
from sentiment.tuning import search

from .processes import DEADLINE, Begin, Launch, copy_store, wait_until
from .scheduling import Scheduling
from .trained import Kept, Models, Trainers, train_small

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background of a shell would hand down to ignore it
SHARED_DATA = PROJECT.parent / "shared" / "data"
PATH = sys.path.copy()


def pytest_configure(config: pytest.Config) -> None:
    """JAX compiles each computation once for all tests, in whichever process: they then take half as long on it."""
    if not hasattr(config, "workerinput"):
        folder = tempfile.TemporaryDirectory(prefix="jax-")
        config.add_cleanup(folder.cleanup)
        os.environ |= {"JAX_COMPILATION_CACHE_DIR": folder.name, "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks as slow whatever starts commands, trainers or PostgreSQL, and begins with it, so that all workers end at about one time."""
    for item in items:
        if {"launch", "begin", "trainers", "postgres"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    return Scheduling(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Models that MLflow has loaded put their own code, rooms of `sentiment`, before the project's, for processes begun later too."""
    sys.path = PATH.copy()


@pytest.fixture(scope="session")
def tables(request: pytest.FixtureRequest) -> Path:
    """A SQLite file with MLflow's tables, the experiment `sentiment` and no runs.

    MLflow takes seconds to make it: pytest's cache keeps one for each version.
    """
    path = Path(request.config.cache.mkdir(f"mlflow-{mlflow.__version__}-{EXPERIMENT}")) / "tables.db"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            made = SqlAlchemyStore(f"sqlite:///{folder}/mlflow.db", folder)  # type: ignore[no-untyped-call]
            made.create_experiment(EXPERIMENT)  # type: ignore[no-untyped-call]
            made.engine.dispose()
            os.replace(f"{folder}/mlflow.db", path)
    return path


@pytest.fixture(autouse=True)
def store(tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty tracking store of the test's own; what MLflow keeps in globals is cleared behind it."""
    uri = copy_store(tables, tmp_path / "mlflow.db", tmp_path / "artifacts")
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    mlflow.set_tracking_uri(uri)
    yield uri
    while mlflow.active_run():
        mlflow.end_run()
    fluent._active_experiment_id = None  # MLflow has no way to leave an experiment


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


@pytest.fixture
def begin() -> Iterator[Begin]:
    """Begins an entry point in a process that is not waited for, with its output in pipes; ended with the test, however that ends."""
    begun: list[subprocess.Popen[str]] = []

    def run(program: str, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        command, pipe = [sys.executable, "-m", program, *arguments], subprocess.PIPE
        env = os.environ | environment
        process = subprocess.Popen(command, cwd=PROJECT, env=env, stdout=pipe, stderr=pipe, stdin=subprocess.DEVNULL, text=True)
        begun.append(process)
        return process

    yield run
    for process in begun:
        process.kill()
        process.communicate(timeout=DEADLINE)


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Launch]:
    """As `launch`, for entry points only, and in this process, which saves the seconds of the imports."""
    terminate, level = signal.getsignal(signal.SIGTERM), logging.root.level
    monkeypatch.setattr(tempfile, "tempdir", tempfile.gettempdir())
    monkeypatch.setenv("TMPDIR", tempfile.gettempdir())
    monkeypatch.chdir(PROJECT)

    def run(program: str, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        capfd.readouterr()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", [program, *arguments])
            patch.setattr(logging.root, "handlers", [])
            for name, value in environment.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                runpy.run_module(program, run_name="__main__")
        status = ended.value.code
        assert isinstance(status, int)
        return subprocess.CompletedProcess([program, *arguments], status, *capfd.readouterr())

    yield run
    logging.root.setLevel(level)
    signal.signal(signal.SIGTERM, terminate)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `prepared.h5` of the bundled reviews, with few and short ones."""
    path = tmp_path_factory.mktemp("small") / "prepared.h5"
    settings = PrepareSettings(sample=80, vocabulary_size=300, max_length=40, validation_fraction=0.25)
    made, _ = preparing.prepare(find_source(settings), settings)
    prepared.write(made, path)
    return path


@pytest.fixture(scope="module")
def data(small: Path) -> Prepared:
    """What `small` holds, where a file of tests has no data of its own."""
    return prepared.read(small)


@pytest.fixture
def trainer(trainers: Trainers) -> Trainer:
    """That of the default backend."""
    return trainers("tensorflow")


@pytest.fixture(scope="session")
def trainers() -> Iterator[Trainers]:
    """One running trainer for each backend, started when first asked for."""
    running: dict[str, Trainer] = {}

    def get(name: str) -> Trainer:
        if name not in running:
            running[name] = Trainer(ALL[name])
        return running[name]

    yield get
    for trainer in running.values():
        trainer.close()


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
        wait_until(lambda: subprocess.run(ready, capture_output=True).returncode == 0 or process.poll() is not None)
        assert process.poll() is None, Path(log.name).read_text()
        yield f"postgresql://tuner@127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)  # its fast shutdown
        process.wait(DEADLINE)
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


@pytest.fixture(scope="session")
def models(trainers: Trainers, small: Path, tmp_path_factory: pytest.TempPathFactory) -> Models:
    """A model of each kind, trained for two epochs on each backend."""
    folder = tmp_path_factory.mktemp("models")
    kept: dict[tuple[str, str, int], Kept] = {}

    def get(backend: str, architecture: str, ngrams: int = 500) -> Kept:
        key = backend, architecture, ngrams
        if key not in kept:
            path = folder / f"{backend}-{architecture}-{ngrams}.h5"
            kept[key] = Kept(path, train_small(trainers(backend), small, path, architecture=architecture, ngrams=ngrams, epochs=2))
        return kept[key]

    return get
