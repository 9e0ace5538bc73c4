"""The environments that MLflow builds for a run."""

from pathlib import Path

import pytest

from tests.processes import UNCOMPILED, Launch

from .commands import QUICK, runs

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("manager", ["virtualenv", "uv"])
def test_the_environments_that_mlflow_makes(launch: Launch, store: str, tmp_path: Path, manager: str) -> None:
    """`mlflow run .` with no environment prepared: what it builds from python_env.yaml is enough, and is the only one built."""
    given = [word for parameter in ("backend=cntk", *QUICK) for word in ("-P", parameter)]
    chosen = [] if manager == "virtualenv" else ["--env-manager", manager]  # virtualenv, with pyenv, is MLflow's default
    done = launch("mlflow", "run", ".", *chosen, *given, MLFLOW_ENV_ROOT=str(tmp_path / "envs"), **UNCOMPILED)
    assert done.returncode == 0, done.stderr
    assert set(runs(store)) == {"main", "prepare", "train", "evaluate", "register"}
    assert len(list((tmp_path / "envs").rglob("pyvenv.cfg"))) == 1
