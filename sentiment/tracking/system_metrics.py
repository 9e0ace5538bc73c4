"""CPU, memory and GPU while a run lasts, measured by MLflow's own monitors and logged as everything else: without waiting for the server.

MLflow's variables say how often, and whether at all: MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL, MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING.
"""

import itertools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psutil
from mlflow.environment_variables import MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL
from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor

INTERVAL = 10.0  # seconds
PREFIX = "system/"  # under which MLflow's pages show them apart
Log = Callable[[dict[str, float], int], None]


@contextmanager
def watched(log: Log) -> Iterator[None]:
    """Logs what the machine does until the block ends, once at least."""
    if os.environ.get("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "true").lower() not in ("true", "1"):
        yield
        return
    ended = threading.Event()
    thread = threading.Thread(target=_watch, args=(log, ended), daemon=True, name="system metrics")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _watch(log: Log, ended: threading.Event) -> None:
    monitors, interval = _monitors(), INTERVAL
    with suppress(ValueError):  # what the environment says is no number
        interval = MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL.get() or INTERVAL  # type: ignore[no-untyped-call]
    psutil.cpu_percent()  # which is of the time since the call before
    for step in itertools.count():
        ended.wait(interval)
        with suppress(Exception):  # a machine that hides its figures from this process
            log(_sample(monitors), step)
        if ended.is_set():
            return


def _monitors() -> list[Any]:
    kinds: tuple[Any, ...] = (CPUMonitor, GPUMonitor)
    monitors = []
    for kind in kinds:
        with suppress(Exception):  # there is no GPU of NVIDIA's
            monitors.append(kind())
    return monitors


def _sample(monitors: list[Any]) -> dict[str, float]:
    sample: dict[str, float] = {}
    for monitor in monitors:
        monitor.collect_metrics()
        sample |= {f"{PREFIX}{name}": float(value) for name, value in monitor.aggregate_metrics().items()}
        monitor.clear_metrics()
    return sample
