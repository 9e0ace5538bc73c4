"""What is sent of a run at once, side by side and in an order that holds; and what is no run that could be sent."""

import json
import threading
from functools import partial
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient

from sentiment.errors import UserError
from sentiment.model.model_file import read
from sentiment.paths import PROJECT
from sentiment.serving import served_model
from sentiment.settings import SendSettings
from sentiment.steps import send
from sentiment.tracking import sending
from sentiment.tracking.processes import this_process
from sentiment.tracking.side_by_side import as_completed, gather

MODEL = PROJECT / "tests" / "fixtures" / "default-bilstm.h5"
ABOUT = {"run_id": "0" * 32, "name": "n", "experiment": "e", "start": 1, "tags": {}, "process": this_process()}


def test_works_go_side_by_side_and_all_are_done() -> None:
    barrier, done = threading.Barrier(3), []

    def fail() -> None:
        barrier.wait(60)
        raise ValueError("one")

    tasks = [lambda: barrier.wait(60), fail, lambda: done.append(barrier.wait(60))]
    assert {place: str(error) if error else None for place, _, error in as_completed(tasks)} == {0: None, 1: "one", 2: None}
    assert len(done) == 1
    with pytest.raises(ValueError, match="one"):
        gather(tasks)
    assert len(done) == 2
    order: list[int] = []
    assert gather([partial(order.append, number) for number in range(3)] + [lambda: 7], at_once=1) == [None, None, None, 7]
    assert order == [0, 1, 2]


def test_a_run_that_is_sent_at_once_is_whole(store: str, tmp_path: Path) -> None:
    """As after a server was away: the model has the run's parameters, the metrics are the model's, and the run ends last."""
    client = MlflowClient(store)
    info = client.create_run("0", tags={"project": "mlflow-sentiment"}).info
    run_id = info.run_id
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "trainer.log").write_text("done")
    served_model.save(MODEL, tmp_path / "model")
    dataset = {"name": "films.csv test", "digest": "1", "source_type": "local", "source": "{}", "schema": "", "profile": ""}
    records: list[sending.Record] = [
        {"status": "FINISHED", "time": 5},
        {"metrics": {"val_auc": 0.5}, "step": 1, "time": 3, "model_of": sending.OWN},
        {"model": "model"},
        {"file": "trainer.log"},
        {"tags": {"ended": "first"}},
        {"inputs": {"test": dataset}},
        {"params": {"epochs": "2"}},
        {"tags": {"ended": "last"}},
    ]
    places = list(sending.send(info, tmp_path, records))
    assert sorted(place for several in places for place in several) == list(range(len(records)))
    assert places[-1] == [0]
    (model,) = client.search_logged_models(["0"], f"source_run_id = '{run_id}'")
    assert (str(model.status), model.params, model.tags["project"]) == ("READY", {"epochs": "2"}, "mlflow-sentiment")
    assert [metric.key for metric in model.metrics or []] == ["val_auc"]
    run = client.get_run(run_id)
    assert run.inputs
    assert run.outputs
    assert (run.info.status, run.info.end_time, run.data.tags["ended"]) == ("FINISHED", 5, "last")
    assert [each.dataset.digest for each in run.inputs.dataset_inputs] == ["1"]
    assert [output.model_id for output in run.outputs.model_outputs] == [model.model_id]
    (file,) = Path(mlflow.artifacts.download_artifacts(f"models:/{model.model_id}")).rglob("*.h5")
    assert read(file).settings == read(MODEL).settings

    client.update_run(run_id, "RUNNING")
    list(sending.send(info, tmp_path, records))  # what is sent twice is there once
    assert len(client.search_logged_models(["0"], f"source_run_id = '{run_id}'")) == 1
    again = client.get_run(run_id)
    assert again.outputs
    assert len(again.outputs.model_outputs) == 1


@pytest.mark.parametrize(
    ("run", "records"),
    [
        ({"run_id": "../x"}, ""),
        ({"tags": {"a": 1}}, ""),
        ({"start": "now"}, ""),
        ({}, '{"file": "../../etc/passwd"}'),
        ({}, '{"file": "/etc/passwd"}'),
        ({}, '{"model": "/etc"}'),
    ],
)
def test_a_folder_of_another_kind_is_not_sent(tmp_path: Path, run: dict[str, Any], records: str) -> None:
    box = tmp_path / "box"
    box.mkdir()
    (box / "run.json").write_text(json.dumps(ABOUT | run))
    (box / "records.jsonl").write_text(records)
    with pytest.raises(UserError, match="holds no run that was not sent"):
        send.run(SendSettings(str(tmp_path)))


def test_a_folder_with_links_to_elsewhere_is_not_sent(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps(ABOUT))
    (tmp_path / "files").symlink_to("/etc")
    with pytest.raises(UserError, match="links to elsewhere"):
        send.run(SendSettings(str(tmp_path)))


def test_what_is_no_folder_of_runs_is_not_sent(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(UserError, match="nothing to send"):
            send.run(SendSettings(str(folder)))
