"""What MLflow is told, and how it is asked. All of it happens in the driver."""

import atexit
import logging
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run
from mlflow.exceptions import MlflowException
from mlflow.tracking.fluent import _get_experiment_id  # MLflow has no public way to ask

from sentiment.errors import Stopped, UserError
from sentiment.settings import as_text, parameters

REASON_LENGTH = 500
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

for noisy in (
    "alembic",
    "py4j.clientserver",
    "mlflow.store.db.utils",
    "mlflow.tracking.fluent",
    "mlflow.models.evaluation.validation",
    "mlflow.models.flavor_backend_registry",
):
    logging.getLogger(noisy).setLevel(logging.WARNING)
for harmless in ("mlflow.models.evaluation", "mlflow.tracking._model_registry.fluent", "mlflow.pyfunc"):  # SHAP, "instead", env_manager
    logging.getLogger(harmless).setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="mlflow")


@contextmanager
def step_run(step: str, settings: Any, parent: str | None = None, resumed: str | None = None, **tags: str) -> Iterator[Run]:
    """A run for one step, with its parameters logged.

    Whatever is raised inside ends it as FAILED, with the reason as a tag; Stopped as KILLED. Without a parent it is the run
    that `mlflow run` made for this process, if there is one; `resumed` is the id of one that goes on.
    """
    named = resumed or (parent is None and "MLFLOW_RUN_ID" in os.environ)
    with mlflow.start_run(
        resumed,
        run_name=None if named else _title(step, settings, tags.get("trial")),
        nested=parent is not None,
        parent_run_id=parent,
        tags={"step": step, **tags},
    ) as run:
        try:
            _log_parameters(run, settings)
            yield run
        except Stopped as error:
            mlflow.set_tag("ended", str(error))
            mlflow.end_run("KILLED")
            raise
        except BaseException as error:
            _tag_failure(run.info.run_id, str(error) or type(error).__name__)
            raise


def _title(step: str, settings: Any, number: str | None) -> str:
    kind = [str(getattr(settings, name)) for name in ("architecture", "backend") if hasattr(settings, name)]
    return " ".join([step, *([number] if number else []), *kind])


def _log_parameters(run: Run, settings: Any) -> None:
    """Those that `mlflow run` has not logged already: MLflow lets no parameter change, also not from 0.50 to 0.5."""
    known = MlflowClient().get_run(run.info.run_id).data.params
    names = [f.name for f in parameters(type(settings))]
    MlflowClient().log_batch(run.info.run_id, params=[Param(name, as_text(getattr(settings, name))) for name in names if name not in known])


def _tag_failure(run_id: str, reason: str) -> None:
    try:
        MlflowClient().set_tag(run_id, "failure", reason[:REASON_LENGTH])
    except Exception as error:  # the reason itself is what the user has to see
        logging.getLogger(__name__).warning("The reason of the failure could not be logged: %s", error)


def log_text_if_possible(text: str, name: str) -> None:
    """For what helps to find a fault: that it can't be logged must not hide the fault."""
    try:
        mlflow.log_text(text, name)
    except (MlflowException, OSError) as error:
        print(f"{name} could not be logged: {str(error)[:200]}", flush=True)


class EpochLog:
    """Metrics by epoch. What the server does not take now is kept and sent with the next ones: training goes on without it."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._pending: list[Metric] = []

    def add(self, epoch: int, metrics: dict[str, float]) -> None:
        now = int(time.time() * 1000)
        self._pending += [Metric(name, value, now, epoch) for name, value in metrics.items()]
        try:
            self.flush()
        except (MlflowException, OSError) as error:
            print(f"The tracking server does not take epoch {epoch}, training goes on: {str(error)[:200]}", flush=True)

    def flush(self) -> None:
        """Sends all. Raises what MLflow raises."""
        if self._pending:
            MlflowClient().log_batch(self._run_id, metrics=self._pending)
            self._pending = []


def check_server() -> None:
    """Raises UserError if there is a tracking server and it does not answer: before the long work, and without MLflow's long retries."""
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        return
    retries = os.environ.get("MLFLOW_HTTP_REQUEST_MAX_RETRIES")
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"
    try:
        MlflowClient().search_experiments(max_results=1)
    except Exception as error:  # whatever an unknown kind of store raises
        what = " ".join(str(error).split())[:200]
        raise UserError(
            f"The tracking server does not answer. Received: MLFLOW_TRACKING_URI={where()}: {what}. Start it, or correct it."
        ) from error
    finally:
        os.environ.pop("MLFLOW_HTTP_REQUEST_MAX_RETRIES")
        if retries is not None:
            os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = retries


def fail_launched_run(reason: str) -> None:
    """Ends the run that `mlflow run` made for this process, if no step has taken it up."""
    run_id = os.environ.get("MLFLOW_RUN_ID")
    if run_id:
        fail_run(run_id, reason)


def fail_run(run_id: str, reason: str) -> None:
    """Ends a run as FAILED; if the server does not take it, says so."""
    try:
        _tag_failure(run_id, reason)
        MlflowClient().set_terminated(run_id, "FAILED")
    except Exception as error:
        logging.getLogger(__name__).warning("Run %s could not be marked as failed: %s", run_id, error)


def children(parent: str, step: str) -> list[Run]:
    """The runs of a step under a parent, in whatever state, the newest first."""
    query = f"tags.`mlflow.parentRunId` = '{parent}' and tags.step = '{step}'"
    return list(MlflowClient().search_runs([mlflow.get_run(parent).info.experiment_id], query, max_results=10_000))


def find_runs(step: str, most: int = 1, **tags: str) -> list[Run]:
    """The newest finished runs of a step in the present experiment that have these tags."""
    wanted = {"step": step, **tags}
    query = " and ".join([f"tags.`{name}` = '{value}'" for name, value in wanted.items()] + ["attributes.status = 'FINISHED'"])
    return list(MlflowClient().search_runs([experiment_id()], query, max_results=most, order_by=["attributes.start_time DESC"]))


def experiment_id() -> str:
    """That of the active run, of the environment, or MLflow's default."""
    return str(_get_experiment_id())


def get_run(run_id: str, name: str, *steps: str) -> Run:
    """The run with that id. Raises UserError, naming the parameter `name`, if there is none or it is of none of these steps."""
    wanted = " or ".join(steps)
    try:
        run = MlflowClient().get_run(run_id)
    except MlflowException as error:
        raise UserError(
            f"There is no such run or file. Received: {name}={run_id}. Give the id of a {wanted} run that {where()} has, or a path."
        ) from error
    if run.data.tags.get("step") not in steps:
        raise UserError(
            f"The run is of another step. Received: {name}={run_id}, step {run.data.tags.get('step')}. Give the id of a {wanted} run."
        )
    return run


def where() -> str:
    return mlflow.get_tracking_uri()


def artifact(run_id: str, name: str) -> Path:
    """An artifact as a local file; one that is on this machine already is not copied.

    Raises:
        UserError: The run has none of that name.
    """
    try:
        found = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=name, dst_path=None if _is_local(run_id) else scratch())
    except (MlflowException, OSError) as error:
        raise UserError(f"The run has no {name}. Received: run {run_id}: {str(error)[:150]}. Give a run that finished.") from error
    return Path(found)


def _is_local(run_id: str) -> bool:
    place = mlflow.get_run(run_id).info.artifact_uri or ""
    return place.startswith(("/", "file:"))


def scratch() -> str:
    """A new folder that goes when the process ends."""
    folder = tempfile.mkdtemp(prefix="sentiment-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@contextmanager
def work_folder() -> Iterator[Path]:
    """A folder for files on their way to the tracking server; it lasts as long as the process. Finished files that don't get
    to the server are kept."""
    folder = Path(scratch())
    try:
        yield folder
    except BaseException:
        finished = [file for file in sorted(folder.glob("*.h5")) if "unfinished" not in file.name]
        if finished:
            kept = Path(tempfile.mkdtemp(prefix="sentiment-kept-"))
            places = [str(shutil.move(file, kept / file.name)) for file in finished]
            print(f"Kept what was finished: {', '.join(places)}", flush=True)
        raise
