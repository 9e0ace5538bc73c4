"""Commands in processes of their own that meet a fault at a stage of their work: where they say, write or store something.

The processes are forked from one that has imported the libraries, so that many cost little.
"""

import atexit
import multiprocessing
import os
import re
import resource
import runpy
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import event
from sqlalchemy.engine import Engine

from sentiment.paths import PROJECT

LIBRARIES = ["matplotlib.figure", "mlflow.models", "mlflow.pyfunc", "mlflow.store.tracking.sqlalchemy_store"]
LIBRARIES += ["onnx", "onnxruntime", "optuna", "pooch", "pyarrow.parquet", "scipy.stats", "sklearn.linear_model", "tqdm"]
PATHS = {"open": 0, "os.mkdir": 0, "os.remove": 0, "os.rename": 1, "os.link": 1}  # audited events, and which argument is the path
RANDOM = re.compile(r"[0-9a-f]{32}|\d{8}-\d{6}-\w{8}|(?<=sentiment-)\w{8}|(?<=sentiment-trainer-)\w{8}|(?<=tmp)\w{8}|(?<=uploading\.)\w{8}")
WRITES = re.compile(r"(INSERT INTO|UPDATE|DELETE FROM) (\w+)")

PATIENCE = 2  # seconds that a command tries to send what is not taken

Fault = Callable[[], object]


@dataclass(frozen=True)
class Done:
    """How a command ended; stages: those that it came to, in their order."""

    status: int
    output: str
    errors: str
    stages: list[str]


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def end() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def fill() -> None:
    """From now on no file gets a byte more, as on a full disk; Python ignores the signal that tells it."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


def fill_folder() -> None:
    """Fills the file system of the working folder."""
    with suppress(OSError), open("filler", "wb", buffering=0) as file:
        while file.write(bytes(1 << 12)):
            pass


def run(folder: Path, program: str, *arguments: str, environment: dict[str, str], at: str = "", fault: Fault = kill) -> Done:
    """Runs an entry point in a folder. The fault strikes once, where it comes to the stage `at`."""
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(LIBRARIES)
    ends = [server.Pipe(duplex=False) for _ in range(3)]
    places = [writer for _, writer in ends]
    process = server.Process(target=_command, args=(folder, program, arguments, environment, at, fault, places))
    process.start()
    for writer in places:
        writer.close()
    texts = ["", "", ""]
    readers = [threading.Thread(target=_read, args=(reader, texts, number)) for number, (reader, _) in enumerate(ends)]
    for thread in readers:
        thread.start()
    process.join(300)
    assert process.exitcode is not None, "It hangs."
    for thread in readers:
        thread.join()
    return Done(process.exitcode, texts[0], texts[1], texts[2].splitlines())


def _read(reader: Connection, texts: list[str], number: int) -> None:
    with reader, os.fdopen(os.dup(reader.fileno()), encoding="utf-8") as file:
        texts[number] = file.read()


def _command(
    folder: Path, program: str, arguments: list[str], environment: dict[str, str], at: str, fault: Fault, places: list[Connection]
) -> None:
    sys.path.insert(0, str(PROJECT))  # an entry for the working folder would follow it
    os.chdir(folder)
    os.environ.update(environment)
    for number, place in enumerate(places[:2]):
        os.dup2(place.fileno(), number + 1)
    sys.argv = [program, *arguments]
    from sentiment.tracking import outbox  # only here, as its folder is in the working folder

    outbox.TIMEOUT = PATIENCE
    stages = _Stages(folder, at, fault, places[2].fileno())
    sys.stdout = stages.follow(sys.stdout)
    sys.addaudithook(stages.on_audit)
    event.listen(Engine, "before_cursor_execute", stages.on_sql)
    try:
        runpy.run_module(f"entry_points.{program}", run_name="__main__")
    finally:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()


class _Stages:
    """Stages have names without what is random; each is told once."""

    def __init__(self, folder: Path, at: str, fault: Fault, output: int) -> None:
        self._folder, self._at, self._fault, self._output = f"{folder}/", at, fault, output
        self._seen: set[str] = set()

    def reach(self, stage: str) -> None:
        stage = RANDOM.sub("*", stage)
        if stage in self._seen:
            return
        self._seen.add(stage)
        os.write(self._output, f"{stage}\n".encode())
        if stage == self._at:
            self._fault()

    def on_audit(self, name: str, arguments: tuple[Any, ...]) -> None:
        if name not in PATHS or (name == "open" and not (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR)):
            return
        path = os.path.abspath(os.fsdecode(arguments[PATHS[name]])) if isinstance(arguments[PATHS[name]], str | bytes | Path) else ""
        if path.startswith(self._folder) and "__pycache__" not in path:
            self.reach(f"{name} {path.removeprefix(self._folder)}")

    def on_sql(self, connection: object, cursor: object, statement: str, *rest: object) -> None:
        if wrote := WRITES.match(statement):
            self.reach(f"sql {wrote[1]} {wrote[2]}")

    def follow(self, stream: TextIO) -> TextIO:
        write = stream.write

        def followed(text: str) -> int:
            if line := text.strip():
                self.reach(f"line {re.sub(r'[0-9].*', '', line)[:40]}")
            return write(text)

        with suppress(AttributeError):
            stream.write = followed  # type: ignore[method-assign]
        return stream
