"""What is logged of a run is written to a folder, and a thread sends it: logging never waits for the tracking server.

unsent/20261125-101500-4711/     one for each process; it goes when all is sent
    RUN_ID/run.json              what the run is
    RUN_ID/records.jsonl         what was logged, in its order, as `sentiment.tracking.sending` takes it
    RUN_ID/files/, RUN_ID/model/
    RUN_ID/left                  if the user is to send it with `send`
"""

import atexit
import contextlib
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.entities import Dataset, Run
from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_ARTIFACTS

from sentiment.errors import StepError
from sentiment.tracking import commands, redaction, sending, server
from sentiment.tracking.processes import this_process
from sentiment.tracking.sending import FILES, Record

RUN, RECORDS, TO_BE_SENT = "run.json", "records.jsonl", "left"
PLOTS = "plots"  # the folder of a run's pictures
TIMEOUT = 20  # seconds without anything sent, after which a server counts as gone at the end of a run
RETRY_PAUSE = 1  # seconds
UNSENT_FOLDER = Path("unsent").absolute()
UNSENT = "Not all of it was sent."  # why a run failed
_home = tempfile.gettempdir()


class UnsentError(StepError):
    """What was logged could not be sent; it lies in a folder that the text names.

    is_refused: the server is there, and does not take it.
    """

    is_refused = False


class Outbox:
    """What is logged of one run.

    The `log_` methods return at once; before `finish` nothing raises but a folder that can't be written.
    """

    def __init__(self, run: Run, beside: Callable[[], None] = lambda: None) -> None:
        """beside: is called in a thread of its own, once, and waited for at the end."""
        self._run = run.info
        self._run_id, self._folder = run.info.run_id, process_folder() / run.info.run_id
        experiment = server.experiment(run.info.experiment_id, mlflow.get_tracking_uri())
        about = {"run_id": run.info.run_id, "name": run.info.run_name, "experiment": experiment.name, "start": run.info.start_time}
        try:
            (self._folder / FILES).mkdir(parents=True)
            (self._folder / RUN).write_text(json.dumps(about | {"tags": run.data.tags, "process": this_process()}))
        except OSError:
            remove(self._folder)
            raise
        self._command = commands.entry_point("send", folder=str(self._folder.parent))  # while the server is there to be asked
        self._waiting: dict[int, Record] = {}  # by their number
        self._count, self._last = 0, time.monotonic()
        self._error: Exception | None = None
        self._is_over = False
        self._datasets: dict[str, list[str]] = {}
        self._tables: list[dict[str, str]] = []
        self._model_of: str | None = None
        self._deferred: list[Record] | None = []
        self._changed = threading.Condition()
        self._beside = threading.Thread(target=self._do_beside, args=(beside,), daemon=True, name=f"beside {self._run_id}")
        self._thread = threading.Thread(target=self._send_all, daemon=True, name=f"outbox {self._run_id}")
        self._beside.start()
        self._thread.start()

    def log_params(self, params: dict[str, str]) -> None:
        if params:
            self._add({"params": params})

    def set_tags(self, tags: Mapping[str, object]) -> None:
        self._add({"tags": {name: str(value) for name, value in tags.items()}})

    def log_metrics(self, metrics: dict[str, float], step: int = 0) -> None:
        """They belong to the model that this run makes or measures, and to the dataset of the split that their names tell."""
        record = {"metrics": {name: float(value) for name, value in metrics.items()}, "step": step, "time": _now()}
        self._add(record | {"model_of": self._model_of, "datasets": self._datasets})
        self._flush()

    def log_system_metrics(self, metrics: dict[str, float], step: int) -> None:
        """Metrics of the machine. They belong to no model, and are sent after the first of the others: MLflow shows them in that order."""
        record = {"metrics": metrics, "step": step, "time": _now()}
        with self._changed:
            if self._deferred is not None:
                self._deferred.append(record)
                return
        self._add(record)

    def _flush(self) -> None:
        with self._changed:
            deferred, self._deferred = self._deferred or [], None
        for record in deferred:
            self._add(record)

    def log_text(self, text: str, name: str) -> None:
        (self._folder / FILES / name).write_text(text, encoding="utf-8")
        self._add({"file": name})

    def log_plots(self, pictures: Mapping[str, bytes]) -> None:
        """PNGs by name, in the folder `plots`."""
        (self._folder / FILES / PLOTS).mkdir(exist_ok=True)
        records: list[Record] = []
        for name, picture in pictures.items():
            file = f"{PLOTS}/{name}.png"
            (self._folder / FILES / file).write_bytes(picture)
            records.append({"file": file})
        self._add(*records)

    def log_table(self, table: pd.DataFrame, name: str) -> None:
        """As `mlflow.log_table` does, for the pages where MLflow shows tables."""
        self.log_text(str(table.to_json(orient="split", index=False, date_format="iso")), name)
        self._tables.append({"path": name, "type": "table"})
        self.set_tags({MLFLOW_LOGGED_ARTIFACTS: json.dumps(self._tables)})

    def log_file(self, path: Path) -> None:
        """A file, as it is now."""
        copy = self._folder / FILES / path.name
        try:
            os.link(path, copy)
        except OSError:  # another file system, or one without links
            shutil.copyfile(path, copy)
        self._add({"file": path.name})

    def log_datasets(self, datasets: dict[str, Dataset]) -> None:
        """What the run learns from and is measured on, each by its context: the split, or what else it is to the run."""
        self._datasets = self._datasets | {context: [each.name, each.digest] for context, each in datasets.items()}
        self._add({"inputs": {context: dict(each) for context, each in datasets.items()}})

    def log_model(self, folder: Path) -> None:
        """A model that MLflow saved in the folder, which is moved."""
        shutil.move(folder, self._folder / sending.MODEL)
        self._add({"model": sending.MODEL})

    def measure_model_of(self, run_id: str) -> None:
        """The metrics from here on are of the model that a run made, or is about to make."""
        self._model_of = sending.OWN if run_id == self._run_id else run_id

    def log_output_of(self, run_id: str) -> None:
        """The model that another run made, as what this one gave."""
        self._add({"output_of": run_id})

    def finish(self, status: str, timeout: float | None = None) -> None:
        """Ends the run, and waits until all is sent, or nothing has been for `timeout` seconds (TIMEOUT, by default).

        Raises:
            UnsentError: The server does not take it.
        """
        self._flush()
        self._add({"status": status, "time": _now()})
        begun, timeout = time.monotonic(), TIMEOUT if timeout is None else timeout
        with self._changed:
            while self._waiting or self._beside.is_alive():
                waited = time.monotonic() - max(begun, self._last)
                if self._is_refused() or (waited > timeout and (self._error or not server.answers())):
                    self._is_over = True
                    if not self._waiting:
                        break
                    with contextlib.suppress(OSError):
                        (self._folder / TO_BE_SENT).touch()
                    raise self._unsent()
                self._changed.wait(1)
            self._is_over = True
            self._changed.notify_all()
        shutil.rmtree(self._folder)

    def _is_refused(self) -> bool:
        return self._error is not None and not server.is_transient(self._error)

    def _unsent(self) -> UnsentError:
        why = redaction.one_line(self._error) if self._error else "it does not answer"
        error = UnsentError(
            f"The tracking server {redaction.redacted_uri()} did not take all: {why}. It lies in {self._folder.parent}. "
            f"Send it later: {self._command}"
        )
        error.is_refused = self._is_refused()
        return error

    def _add(self, *records: Record) -> None:
        with self._changed:
            with (self._folder / RECORDS).open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(record) + "\n" for record in records)
            self._waiting |= dict(enumerate(records, self._count))
            self._count += len(records)
            self._changed.notify_all()

    def _do_beside(self, beside: Callable[[], None]) -> None:
        with contextlib.suppress(Exception):
            beside()
        with self._changed:
            self._changed.notify_all()

    def _send_all(self) -> None:
        while not (self._is_over or self._is_refused()):
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_over)
                waiting = dict(self._waiting)
            numbers = list(waiting)
            try:
                for indices in sending.send(self._run, self._folder, list(waiting.values())):
                    self._mark([numbers[index] for index in indices])
            except Exception as error:
                with self._changed:
                    self._error = error
                time.sleep(RETRY_PAUSE)

    def _mark(self, sent: list[int]) -> None:
        with self._changed:
            for number in sent:
                del self._waiting[number]
            self._last, self._error = time.monotonic(), None
            self._changed.notify_all()


def remove(folder: Path) -> None:
    """The outbox of a run, and the folder of its process if that was the last."""
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        folder.parent.rmdir()


@cache
def process_folder() -> Path:
    """This process's; in the working folder, or where that can't be written, among the temporary files."""
    try:
        UNSENT_FOLDER.mkdir(exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=time.strftime("%Y%m%d-%H%M%S-"), dir=UNSENT_FOLDER))
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="sentiment-unsent-", dir=_home))
    atexit.register(_remove_if_empty, folder)
    return folder


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()
        UNSENT_FOLDER.rmdir()


def _now() -> int:
    return int(time.time() * 1000)
