"""Who is champion when several commands register at once, and what is said of champions."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from sentiment.preparation import prepared
from sentiment.registry import gate, lineage, versions
from sentiment.serving import served_model
from sentiment.settings import MainSettings, PrepareSettings, RegisterSettings, ScoreSettings
from sentiment.steps import main, prepare, register, score
from sentiment.steps.prepared_runs import PreparedRun

FILE = Path(__file__).parent / "fixtures" / "default-bilstm.h5"


@pytest.fixture
def data() -> PreparedRun:
    """A prepare run of the bundled reviews."""
    return prepare.run(PrepareSettings(vocabulary_size=200, max_length=60))


def trained(data: PreparedRun, folder: Path) -> str:
    """The id of a train run, which has the kept model."""
    fingerprint = prepared.read(data.path).data_fingerprint
    model = folder / "model.h5"
    model.write_bytes(FILE.read_bytes())
    with mlflow.start_run(tags={"step": "train", "prepared_run_id": data.run_id, "data_fingerprint": fingerprint}) as run:
        mlflow.log_artifact(str(model))
        served_model.log(model, "data/reviews.txt")
    return str(run.info.run_id)


def champion() -> ModelVersion:
    version = versions.version_of_alias("sentiment", "champion")
    assert version
    return version


def interrupted(action: Callable[..., Any], other: Callable[[], object]) -> Callable[..., Any]:
    """The action, upon whose first call another command does something at once."""
    calls = 0

    def both(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        done = action(*arguments, **named)
        if calls == 1:
            other()
        return done

    return both


def test_one_run_registered_twice_at_once_has_one_version(data: PreparedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = trained(data, tmp_path)
    address = f"runs:/{run}/{served_model.NAME}"
    registered = mlflow.register_model
    monkeypatch.setattr(mlflow, "register_model", interrupted(registered, lambda: registered(address, "sentiment")))
    register.run(RegisterSettings(run=run))
    (version,) = MlflowClient().search_model_versions("name = 'sentiment'")
    assert (version.version, version.tags["gate"]) == (champion().version, "passed")
    assert version.tags["gate_reason"].startswith("there is no champion yet")
    register.run(RegisterSettings(run=run))
    assert champion().tags["gate_reason"].startswith("there is no champion yet")  # what made it the champion stays


def test_who_loses_the_alias_at_once_is_measured_against_the_winner(
    data: PreparedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes the alias from it, as it is no worse; the way back leads over the winner to the first."""
    first, winner, loser = (trained(data, tmp_path) for _ in range(3))
    register.run(RegisterSettings(run=first))
    gave = versions.set_alias

    def win() -> None:
        version = versions.version_of(winner, "sentiment")
        versions.tag(version, previous_champion="1")
        gave(version, "champion")

    monkeypatch.setattr(versions, "set_alias", interrupted(gave, win))
    register.run(RegisterSettings(run=loser))
    monkeypatch.undo()
    assert champion().run_id == loser
    assert champion().tags["previous_champion"] == str(versions.version_of(winner, "sentiment").version)
    for back in (winner, first):
        register.run(RegisterSettings(run="previous"))
        assert champion().run_id == back


def test_who_loses_the_alias_to_a_better_one_says_so(data: PreparedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    winner, loser = (trained(data, tmp_path) for _ in range(2))
    gave, judged = versions.set_alias, gate.judge
    monkeypatch.setattr(versions, "set_alias", interrupted(gave, lambda: gave(versions.version_of(winner, "sentiment"), "champion")))

    def judge(candidate: Any, outputs: Any, rival: Any, *rest: Any) -> Any:
        return judged(candidate, outputs, rival, *rest) if rival is None else gate.GateResult(False, "worse than the winner", {})

    monkeypatch.setattr(gate, "judge", judge)
    assert not register.run(RegisterSettings(run=loser))
    assert champion().run_id == winner
    tags = versions.version("sentiment", versions.version_of(loser, "sentiment").version).tags
    assert (tags["gate"], tags["gate_reason"]) == ("rejected", "worse than the winner")
    assert "previous_champion" not in tags


def test_a_candidate_that_is_refused_leaves_a_reason_and_what_to_do(
    data: PreparedRun, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    run = trained(data, tmp_path)
    golden = tmp_path / "golden.csv"
    golden.write_text("text,label\nA terrible film,positive\nA wonderful film,negative\n")
    assert not register.run(RegisterSettings(run=run, golden=str(golden)))
    assert versions.version_of_alias("sentiment", "champion") is None
    said = caplog.messages[-1]
    assert "There is no champion" in said
    assert "golden=FILE" in said
    assert f"-P run={run} -P force=true" in said
    (made,) = MlflowClient().search_runs([mlflow.get_run(run).info.experiment_id], "tags.step = 'register'")
    assert made.data.tags["golden"] == str(golden)
    assert made.data.metrics["golden_pairs"] == 1
    assert register.run(RegisterSettings(run=run))
    assert champion().tags["golden"] == "built-in"
    assert champion().tags["reviews"] == "data/reviews.txt"


def test_that_the_champion_is_of_other_data_is_said(data: PreparedRun, tmp_path: Path) -> None:
    assert register.run(RegisterSettings(run=trained(data, tmp_path)))
    assert "other data" not in champion().tags["gate_reason"]
    others = prepare.run(PrepareSettings(sample=300, vocabulary_size=200, max_length=60))
    assert register.run(RegisterSettings(run=trained(others, tmp_path)))
    assert champion().tags["gate_reason"].endswith("; the champion is of other data, data/reviews.txt")


def test_score_names_the_data_of_its_model_first(data: PreparedRun, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    register.run(RegisterSettings(run=trained(data, tmp_path)))
    table = tmp_path / "table.csv"
    table.write_text("text\ngood\n")
    caplog.set_level(logging.INFO)
    caplog.clear()
    score.run(ScoreSettings(input=str(table)))
    assert caplog.messages[0].startswith("score, with version 1 of sentiment, trained on data/reviews.txt (data ")
    assert "others" not in caplog.messages[0]
    others = tmp_path / "other.csv"
    others.write_text("text,label\n" + "".join(f"word{n} thing,{n % 2}\n" for n in range(60)))
    prepare.run(PrepareSettings(reviews=str(others)))
    caplog.clear()
    score.run(ScoreSettings(input=str(table), output=str(tmp_path / "again.csv")))
    assert f"the newest prepared data are others, {others}" in caplog.messages[0]
    assert lineage.describe(str(FILE), "").endswith("trained on reviews that are not known here (no data named in its file)")


@pytest.mark.parametrize("champion", [True, False])
def test_main_without_a_champion_names_no_command_that_needs_one(caplog: pytest.LogCaptureFixture, champion: bool) -> None:
    caplog.set_level(logging.INFO)
    with mlflow.start_run() as run:
        main._log_next_steps(MainSettings(), run.info, "any", champion)
    assert ("make serve" in caplog.text, "-e score" in caplog.text) == (champion, champion)
