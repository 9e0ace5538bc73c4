"""Processes that tests start, wait for and end."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

# Environments are built without bytecode, of which little is ever run; pip takes this option the wrong way round.
UNCOMPILED = {"PIP_NO_COMPILE": "0", "UV_COMPILE_BYTECODE": "0"}
NO_JOBS = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # processes of MLflow's server for language models, which take long to start
DEADLINE = 300  # seconds that a test waits for another process, at most


def wait_until(what: Callable[[], bool], process: "subprocess.Popen[str] | None" = None) -> None:
    """Until it is so; fails after DEADLINE, or when the process that is to bring it about has ended."""
    end = time.monotonic() + DEADLINE
    while not what():
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < end, "It has not come about."
        time.sleep(0.05)


def copy_store(tables: Path, path: Path, artifacts: Path | str) -> str:
    """The address of a new store; its experiments have their artifacts there."""
    shutil.copyfile(tables, path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE experiments SET artifact_location = ?", (f"{artifacts}/0",))
    return f"sqlite:///{path}"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


Launch = Callable[..., "subprocess.CompletedProcess[str]"]
Begin = Callable[..., "subprocess.Popen[str]"]


@contextmanager
def running(folder: Path, health: str, *arguments: str, **environment: str) -> Iterator[str]:
    """The address of an `mlflow` server that is run with these arguments, on a free port; `health` is a path that answers."""
    port = free_port()
    programs = Path(sys.executable).parent
    env = os.environ | NO_JOBS | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"} | environment
    log = folder / "server.log"
    with log.open("w") as output:
        command = [str(programs / "mlflow"), *arguments, "--host", "127.0.0.1", "--port", str(port)]
        process = subprocess.Popen(command, stdout=output, stderr=output, env=env, cwd=folder, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers(url + health) or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield url
    finally:
        end(process)


def is_halted(process: "subprocess.Popen[str]") -> bool:
    """Whether each of its threads is."""
    with suppress(FileNotFoundError, ProcessLookupError):
        states = [file.read_text().rpartition(")")[2].split()[0] for file in Path(f"/proc/{process.pid}/task").glob("*/stat")]
        return bool(states) and all(state == "T" for state in states)
    return False


def halt_if(process: "subprocess.Popen[str]", is_so: Callable[[], bool]) -> bool:
    """Halts a process, and lets it go on unless it is so, at this moment. Returns whether it is halted: until SIGCONT."""
    process.send_signal(signal.SIGSTOP)
    wait_until(lambda: is_halted(process) or process.poll() is not None)
    if process.poll() is None and is_so():
        return True
    process.send_signal(signal.SIGCONT)
    return False


def halt_when(process: "subprocess.Popen[str]", is_so: Callable[[], bool]) -> None:
    """Halts a process at a moment when it is so. What a test then does comes in time, however busy the machine is."""
    wait_until(lambda: halt_if(process, is_so), process)


def is_running(pid: int) -> bool:
    """Whether there is a process of that number which has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def end(process: "subprocess.Popen[Any]") -> None:
    """Ends a process that leads a group, and all of that."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(60)


@contextmanager
def tracking_server(folder: Path, tables: Path) -> Iterator[str]:
    """The address of an `mlflow server` on a free port, which also keeps the artifacts, all in this folder."""
    places = [
        "--backend-store-uri",
        copy_store(tables, folder / "server.db", "mlflow-artifacts:"),
        "--artifacts-destination",
        str(folder / "kept"),
    ]
    with running(folder, "/health", "server", *places, "--workers", "1") as url:
        yield url
