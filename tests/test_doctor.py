"""What `make doctor` says of a machine."""

from pathlib import Path

import mlflow
import pytest

from sentiment import doctor
from sentiment.doctor import LACKS, OK

from .processes import Launch

WHAT = ["Python", "packages", "backend tensorflow", "backend cntk", "backend jax", "backend torch", "GPU", "Spark", "PostgreSQL"]
WHAT += ["tracking", "registry", "disk", "machine"]


def test_it_fits_a_screen_and_needs_no_server(launch: Launch) -> None:
    done = launch("sentiment.doctor")
    lines = done.stdout.splitlines()
    assert [what for line in lines if (what := line[10:30].strip())] == WHAT
    assert len(lines) < 30
    assert all(len(line) <= doctor.LINE_LENGTH for line in lines)
    assert done.returncode == any(line.startswith(LACKS) for line in lines)
    assert not done.stderr


def test_a_server_that_is_away_is_lacking(launch: Launch) -> None:
    done = launch("sentiment.doctor", MLFLOW_TRACKING_URI="http://127.0.0.1:9", MLFLOW_HTTP_REQUEST_MAX_RETRIES="0")
    assert done.returncode == 1
    (line,) = [line for line in done.stdout.splitlines() if "tracking" in line]
    assert line.startswith(LACKS)
    assert "does not answer" in line


def test_the_champion_is_named(store: str) -> None:
    client = mlflow.MlflowClient(store)
    client.create_registered_model("sentiment")
    client.create_model_version("sentiment", "nowhere", tags={"reviews": "films.csv"})
    client.set_registered_model_alias("sentiment", "champion", "1")
    findings = {finding.what: finding for finding in doctor.findings()}
    assert findings["registry"].state == OK
    assert findings["registry"].message.endswith("version 1, trained on films.csv")


def test_it_only_looks(launch: Launch, store: str, tmp_path: Path) -> None:
    new = tmp_path / "new.db"
    done = launch("sentiment.doctor", MLFLOW_TRACKING_URI=f"sqlite:///{new}")
    assert "which the first run makes" in done.stdout
    assert not list(tmp_path.glob("new.db*"))
    client = mlflow.MlflowClient(store)
    before = {experiment.name for experiment in client.search_experiments()}
    done = launch("sentiment.doctor", MLFLOW_TRACKING_URI=store, MLFLOW_EXPERIMENT_NAME="another")
    assert "experiment another, which the first run makes" in done.stdout
    assert {experiment.name for experiment in client.search_experiments()} == before


def test_a_long_finding_is_told_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """What to do stands there."""
    monkeypatch.setattr(doctor, "findings", lambda: [doctor.Finding(LACKS, "packages", "a package is missing, " * 20 + "make install")])
    lines: list[str] = []
    assert doctor.main(lines.append) == 1
    assert lines[-1].endswith("make install")
    assert all(len(line) <= doctor.LINE_LENGTH for line in lines)
