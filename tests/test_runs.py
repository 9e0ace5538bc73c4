"""How runs begin and end, what they are called, and which are this project's."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from sentiment import tracking
from sentiment.errors import UserError
from sentiment.settings import Choices, EvaluateSettings, MainSettings, PrepareSettings, ScoreSettings, TrainSettings, TuneSettings
from sentiment.tracking import processes, sending, titles

SETTINGS = ScoreSettings(input="reviews.csv")


def launched(monkeypatch: pytest.MonkeyPatch, run_id: str) -> str:
    monkeypatch.setenv("MLFLOW_RUN_ID", run_id)
    with pytest.raises(UserError) as caught, tracking.step_run("score", SETTINGS):
        pass
    return str(caught.value)


def test_a_run_that_is_not_ours_to_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    client = MlflowClient()
    assert "MLFLOW_RUN_ID=0123" in launched(monkeypatch, "0123")
    deleted, other, parameters, entry_point, taken = (client.create_run("0").info.run_id for _ in range(5))
    client.delete_run(deleted)
    client.set_tag(other, "step", "train")
    client.log_param(parameters, "engine", "spark")
    client.set_tag(entry_point, "mlflow.project.entryPoint", "train")
    client.set_tag(taken, "process", '["another"]')
    assert "deleted" in launched(monkeypatch, deleted)
    assert "step train" in launched(monkeypatch, other)
    assert "engine=spark, where it is local" in launched(monkeypatch, parameters)
    assert "step train" in launched(monkeypatch, entry_point)
    assert "another's" in launched(monkeypatch, taken)
    monkeypatch.delenv("MLFLOW_RUN_ID")
    with pytest.raises(UserError, match=deleted), tracking.step_run("score", SETTINGS, parent=deleted):
        pass


def test_the_run_that_mlflow_made_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    made = MlflowClient().create_run("0").info.run_id
    MlflowClient().log_param(made, "input", "reviews.csv")
    monkeypatch.setenv("MLFLOW_RUN_ID", made)
    with tracking.step_run("score", SETTINGS) as run:
        assert run.info.run_id == made
    run_of = MlflowClient().get_run(made)
    assert (run_of.info.status, run_of.data.params["engine"]) == ("FINISHED", "local")
    assert len(MlflowClient().search_runs(["0"])) == 1


def test_runs_of_processes_that_are_known_to_be_gone_are_ended() -> None:
    machine, boot, namespace, number, begun = json.loads(processes.this_process())
    client = MlflowClient()
    gone = [machine, boot, namespace, number, "1"]
    runs = {}
    for name, process, step, more in (
        ("gone", gone, "score", {}),
        ("alive", [machine, boot, namespace, number, begun], "score", {}),
        ("elsewhere", ["other", "other", namespace, number, "1"], "score", {}),
        ("in a container", [machine, boot, "pid:[1]", number, "1"], "score", {}),
        ("another step", gone, "train", {}),
        ("of a study", gone, "score", {"study": "s"}),
    ):
        tags = {"step": step, "project": "mlflow-sentiment", "process": json.dumps(process)} | more
        runs[name] = client.create_run("0", tags=tags).info.run_id
    child = {"step": "evaluate", "project": "mlflow-sentiment", "process": json.dumps(gone), "mlflow.parentRunId": runs["gone"]}
    runs["child"] = client.create_run("0", tags=child).info.run_id
    below = child | {"step": "pretrain", "mlflow.parentRunId": runs["child"]}
    runs["grandchild"] = client.create_run("0", tags=below).info.run_id
    with tracking.step_run("score", SETTINGS):
        pass
    status = {name: client.get_run(run_id).info.status for name, run_id in runs.items()}
    assert {name for name, each in status.items() if each == "FAILED"} == {"gone", "child", "grandchild"}
    assert client.get_run(runs["gone"]).data.tags["failure"] == "Its process was gone."


def test_a_machine_that_was_started_anew_has_none_of_its_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    machine, _, _, number, begun = json.loads(processes.this_process())
    before = json.dumps([machine, "earlier", processes.WHOLE_MACHINE, number, begun])
    monkeypatch.setattr(processes, "_namespace", lambda: processes.WHOLE_MACHINE)
    assert processes.is_gone(before)
    assert not processes.is_gone(json.dumps(["another", "earlier", processes.WHOLE_MACHINE, number, begun]))
    monkeypatch.setattr(processes, "_namespace", lambda: "pid:[1]")
    assert not processes.is_gone(before)
    assert not processes.is_gone("what is this")
    assert not processes.is_gone("5")


def test_runs_of_others_are_not_ours() -> None:
    client = MlflowClient()
    for tags in ({"step": "prepare"}, {"step": "prepare", "project": "another"}):
        client.set_terminated(client.create_run("0", tags=tags).info.run_id)
    assert tracking.find_runs("prepare") == []
    with tracking.step_run("prepare", PrepareSettings()) as run:
        pass
    assert [each.info.run_id for each in tracking.find_runs("prepare")] == [run.info.run_id]


def test_what_mlflow_launched_is_named_as_the_others_unless_the_user_named_it(monkeypatch: pytest.MonkeyPatch) -> None:
    client = MlflowClient()
    for given, wanted in (("melodic-lark-970", "train cnn 250×3×250×50 jax"), ("my first", "my first")):
        made = client.create_run("0", run_name=given).info.run_id
        monkeypatch.setenv("MLFLOW_RUN_ID", made)
        with tracking.step_run("train", TrainSettings(architecture="cnn", backend="jax")):
            pass
        assert client.get_run(made).info.run_name == wanted


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        (MainSettings(backend="cntk"), "main bilstm 64×50 cntk"),
        (TrainSettings(architecture="ngrams"), "main ngrams tensorflow"),
        (TuneSettings(architecture=Choices(["bilstm", "cnn"])), "main bilstm,cnn tensorflow"),
        (PrepareSettings(reviews="some/films.csv"), "main films.csv"),
        (EvaluateSettings("a", "b"), "main"),
    ],
)
def test_a_run_is_called_after_what_it_is_about(settings: object, wanted: str) -> None:
    assert titles.title("main", settings) == wanted


def test_what_the_machine_does_is_logged_behind_what_the_run_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.01")
    with tracking.step_run("train", TrainSettings()) as run:
        time.sleep(0.1)
        run.log_metrics({"val_auc": 0.5}, 1)
    metrics = list(MlflowClient().get_run(run.info.run_id).data.metrics)
    assert metrics[0] == "val_auc"
    assert {"system/cpu_utilization_percentage", "system/system_memory_usage_percentage"} <= set(metrics)
    monkeypatch.setenv("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "false")
    with tracking.step_run("train", TrainSettings()) as run:
        pass
    assert not MlflowClient().get_run(run.info.run_id).data.metrics


def test_runs_that_log_the_same_dataset_at_once(store: str, tmp_path: Path) -> None:
    client = mlflow.MlflowClient(store)
    runs = [client.create_run("0").info.run_id for _ in range(8)]
    barrier = threading.Barrier(len(runs))

    def log(run_id: str) -> None:
        for number in range(5):
            dataset = {"name": "films.csv test", "digest": str(number), "source_type": "local", "source": "{}", "schema": "", "profile": ""}
            barrier.wait(60)
            list(sending.send(client.get_run(run_id).info, tmp_path, [{"inputs": {"test": dataset}}]))

    with ThreadPoolExecutor(len(runs)) as pool:
        list(pool.map(log, runs))
    for run_id in runs:
        inputs = client.get_run(run_id).inputs
        assert inputs
        assert sorted(each.dataset.digest for each in inputs.dataset_inputs) == list("01234")
