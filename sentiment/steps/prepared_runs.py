"""`prepared.h5` of a run, or a file that no run has."""

from dataclasses import dataclass
from pathlib import Path

from mlflow.entities import Run

from sentiment import tracking
from sentiment.errors import UserError

FILE = "prepared.h5"


@dataclass(frozen=True)
class PreparedRun:
    """run_id: "" for a file that no run has; reviews: what it was made of, for people."""

    run_id: str
    path: Path
    reviews: str


def of_run(run: Run) -> PreparedRun:
    """Raises UserError if the run has no such file."""
    path = tracking.artifact(run, FILE)
    return PreparedRun(run.info.run_id, path, run.data.params.get("reviews") or str(path))


def find(name: str) -> PreparedRun:
    """What the parameter `prepared` names.

    Raises:
        UserError: There is none.
    """
    path = Path(name).expanduser()
    if path.is_file():
        return PreparedRun("", path, str(path))
    if name != "latest":
        return of_run(tracking.get_run(name, "prepared", "prepare", or_path=True))
    if runs := tracking.find_runs("prepare"):
        return of_run(runs[0])
    raise UserError("There is no prepared data yet. Received: prepared=latest. Make it first: mlflow run . -e prepare -P reviews=FILE.")
