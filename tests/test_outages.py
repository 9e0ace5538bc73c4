"""What a tracking server that goes away, hangs or is slow does to a run: a real server behind a proxy with faults."""

import itertools
import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from sentiment import tracking
from sentiment.errors import StepError, UserError
from sentiment.settings import (
    Choices,
    CompareSettings,
    MonitorSettings,
    ParitySettings,
    PrepareSettings,
    RegisterSettings,
    ScoreSettings,
    SendSettings,
    TrainSettings,
    TuneSettings,
)
from sentiment.steps import compare, monitor, parity, prepare, register, score, send, train, tune
from sentiment.steps.train import TrainedRun
from sentiment.tracking import outbox, server
from sentiment.tracking.processes import this_process
from tests.processes import Launch, tracking_server
from tests.trained import QUICK, SIZES

from .faults import Proxy, faulty

pytestmark = pytest.mark.slow

EPOCHS = 4
PATHS = ("code/sentiment/model/scorer.py", "artifacts/model.h5", "MLmodel", "served_model.py")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, tables: Path) -> Iterator[str]:
    with tracking_server(tmp_path_factory.mktemp("server"), tables) as url:
        yield url


@pytest.fixture
def proxy(real: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """In front of the server, and the tracking server of this process; what is unsent lies in the test's own folder."""
    monkeypatch.setattr(outbox, "UNSENT_FOLDER", tmp_path / "unsent")
    monkeypatch.setattr(server, "HEALTH_TIMEOUT", 1)
    for name, value in {"MAX_RETRIES": "0", "TIMEOUT": "5"}.items():
        monkeypatch.setenv(f"MLFLOW_HTTP_REQUEST_{name}", value)
    outbox.process_folder.cache_clear()
    with faulty(real) as proxy:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", proxy.url)
        mlflow.set_tracking_uri(proxy.url)
        yield proxy
    outbox.process_folder.cache_clear()


def settings(data: Path) -> TrainSettings:
    return TrainSettings(**QUICK | {"backend": "cntk", "prepared": str(data), "epochs": EPOCHS, "patience": EPOCHS, "ngrams": 0})


def unsent(proxy: Proxy, data: Path) -> Path:
    """The folder of a training whose server took nothing after the run had begun, and said so in one line."""
    proxy.change = lambda method, path: setattr(proxy, "mode", "cut") if "log-batch" in path else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outbox, "TIMEOUT", 2)
        with pytest.raises(StepError) as caught:
            train.run(settings(data))
    (line,) = str(caught.value).splitlines()
    named = re.search(r"-P folder=(\S+)$", line)
    assert named, line
    proxy.change, proxy.mode = lambda method, path: None, "pass"
    return Path(named[1])


def assert_whole(real: str, run_id: str) -> Run:
    """The run, which has all that a training logs, each once."""
    client = MlflowClient(real)
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED"
    for name in ("train_loss", "val_auc", "epoch_seconds"):
        assert [value.step for value in client.get_metric_history(run_id, name)] == [1, 2, 3, 4]
    assert len(client.get_metric_history(run_id, "model_val_auc")) == 1
    assert run.data.params["epochs"] == str(EPOCHS)
    assert "device" in run.data.params
    assert run.data.tags["combination"] == "the network alone"
    assert {item.path for item in client.list_artifacts(run_id)} == {"model.h5", "trainer.log", "plots"}
    (model,) = client.search_logged_models([run.info.experiment_id], f"source_run_id = '{run_id}'")
    assert str(model.status) == "READY"
    assert run.outputs
    assert [output.model_id for output in run.outputs.model_outputs] == [model.model_id]
    folder = Path(mlflow.artifacts.download_artifacts(f"models:/{model.model_id}", tracking_uri=real))
    assert all((folder / path).is_file() for path in PATHS)
    return run


@pytest.mark.parametrize("mode", ["cut", "hang", "500", "429"])
def test_training_does_not_wait_for_a_server_that_is_away(
    proxy: Proxy, real: str, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """It takes nothing between the beginning of the run and the end of the training, and then comes back: nothing is missing."""
    monkeypatch.setattr(outbox, "TIMEOUT", 120)  # on a busy machine what hangs may end later than a user would wait

    def change(method: str, path: str) -> None:
        if "log-batch" in path or path == "/health":
            (records,) = (tmp_path / "unsent").rglob("records.jsonl")
            proxy.mode = "pass" if '"status"' in records.read_text() else mode

    proxy.change = change
    trained = train.run(settings(small))
    assert_whole(real, trained.run_id)
    assert not (tmp_path / "unsent").exists() or not list((tmp_path / "unsent").rglob("*.json*"))


def test_a_run_that_was_not_sent_is_sent_later_and_once(proxy: Proxy, real: str, small: Path, tmp_path: Path) -> None:
    """Also if it is cut off after every third request."""
    folder = unsent(proxy, small)
    (box,) = folder.iterdir()
    shutil.copytree(folder, tmp_path / "copy")
    cuts = 0
    while folder.exists():
        allowed = 3 * (cuts + 1)
        proxy.requests.clear()
        proxy.change = lambda method, path, allowed=allowed: setattr(  # type: ignore[misc]
            proxy, "mode", "pass" if len(proxy.requests) < allowed else "cut"
        )
        with suppress(StepError):
            send.run(SendSettings(str(folder)))
        cuts += folder.exists()
        assert cuts < 30
    assert cuts > 3
    proxy.change, proxy.mode = lambda method, path: None, "pass"
    assert_whole(real, box.name)
    send.run(SendSettings(str(tmp_path / "copy")))
    assert_whole(real, box.name)


def test_a_run_is_sent_to_a_server_that_does_not_know_it(
    proxy: Proxy, small: Path, tmp_path: Path, store: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    folder = unsent(proxy, small)
    (box,) = folder.iterdir()
    shutil.copytree(folder, tmp_path / "copy")
    mlflow.set_tracking_uri(store)
    for each in (folder, tmp_path / "copy"):
        send.run(SendSettings(str(each)))
    (run,) = MlflowClient(store).search_runs(["0"])
    assert run.data.tags["sent_as"] == box.name
    assert run.data.tags["step"] == "train"
    assert_whole(store, run.info.run_id)
    assert f"-e register -P run={run.info.run_id}  # to have it served" in caplog.text


def test_runs_that_name_one_another_do_so_on_a_server_that_does_not_know_them(
    proxy: Proxy, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "TIMEOUT", 1)
    first = ""

    def run_both() -> None:
        nonlocal first
        with (
            tracking.step_run("main", SendSettings("all")) as main,
            tracking.step_run("train", SendSettings("all"), main.info.run_id) as child,
        ):
            first, proxy.mode = main.info.run_id, "cut"
            main.set_tags({"best": child.info.run_id})

    with pytest.raises(StepError) as caught:
        run_both()
    named = re.search(r"-P folder=(\S+)$", str(caught.value))
    assert named
    mlflow.set_tracking_uri(store)
    send.run(SendSettings(named[1]))
    runs = {run.data.tags["step"]: run for run in MlflowClient(store).search_runs(["0"])}
    assert runs["main"].info.run_id != first
    assert runs["main"].data.tags["best"] == runs["train"].info.run_id
    assert runs["train"].data.tags["mlflow.parentRunId"] == runs["main"].info.run_id


def test_a_run_whose_process_was_killed_is_sent_as_failed(proxy: Proxy, real: str, small: Path) -> None:
    folder = unsent(proxy, small)
    (box,) = folder.iterdir()
    lines = (box / "records.jsonl").read_text().splitlines()
    (box / "records.jsonl").write_text("\n".join(lines[:3]) + '\n{"metrics": {"val')
    with pytest.raises(UserError, match="still at work"):
        send.run(SendSettings(str(folder)))
    about = json.loads((box / "run.json").read_text())
    process = json.loads(about["process"])
    (box / "run.json").write_text(json.dumps(about | {"process": json.dumps([*process[:4], "1"])}))
    send.run(SendSettings(str(folder)))
    run = MlflowClient(real).get_run(box.name)
    assert (run.info.status, run.data.tags["failure"]) == ("FAILED", "Its process was gone.")


def test_a_training_asks_little_of_its_server(proxy: Proxy, small: Path) -> None:
    """Each request may take seconds: files go side by side, the rest is counted here."""
    number, second, together = itertools.count(1), threading.Event(), []

    def hold(method: str, path: str) -> None:
        if "/plots/" in path:
            if next(number) > 1:
                second.set()
            together.append(second.wait(60))

    proxy.hold = hold
    train.run(settings(small))
    assert together
    assert all(together)
    assert len([request for request in proxy.requests if not request.startswith("PUT")]) <= 22
    assert len(proxy.requests) <= 90


@pytest.mark.parametrize(
    ("program", "arguments"),
    [("register", []), ("score", ["--input=data/reviews.txt", "--model=models:/sentiment@champion"]), ("tune", []), ("prepare", [])],
)
def test_other_steps_end_with_one_line(call: Launch, proxy: Proxy, tmp_path: Path, program: str, arguments: list[str]) -> None:
    """The server goes away after the check at the start."""
    proxy.change = lambda method, path: setattr(
        proxy, "mode", "pass" if any(each in path for each in ("/experiments/", "version", "server-info")) else "cut"
    )
    output = [f"--output={tmp_path / 'scored.txt'}"] if program == "score" else []
    done = call(f"entry_points.{program}", *arguments, *output)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "does not answer" in line
    assert not list(tmp_path.glob("*scored*"))


@pytest.fixture(scope="module")
def trained(real: str, tmp_path_factory: pytest.TempPathFactory) -> list[TrainedRun]:
    """Of a server that has a prepare run, two train runs and a champion."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outbox, "UNSENT_FOLDER", tmp_path_factory.mktemp("trained") / "unsent")
        patch.setenv("MLFLOW_TRACKING_URI", real)
        mlflow.set_tracking_uri(real)
        outbox.process_folder.cache_clear()
        prepared = prepare.run(PrepareSettings(sample=200, vocabulary_size=300, max_length=40))
        same = SIZES | {"prepared": prepared.run_id, "backend": "cntk", "architecture": "ngrams"}
        made = [train.run(TrainSettings(**same | {"seed": seed})) for seed in (1, 2)]
        register.run(RegisterSettings(run=made[0].run_id, force=True))
        outbox.process_folder.cache_clear()
    return made


def steps(trained: list[TrainedRun], folder: Path) -> dict[str, Callable[[], object]]:
    made, again = trained
    table = folder / "texts.csv"
    table.write_text("reviewText\n" + "A film.\n" * 20)
    model = folder / "model.h5"
    shutil.copy(made.path, model)
    kinds: dict[str, Any] = {"architecture": Choices(["cnn"]), "backend": Choices(["jax"])}
    search = TuneSettings(**kinds, trials=2, epochs=1, study="s", storage=str(folder / "journal"), register=False)
    return {
        "prepare": lambda: prepare.run(PrepareSettings(sample=100, max_length=30)),
        "register": lambda: register.run(RegisterSettings(run=made.run_id, name="another", force=True)),
        "import": lambda: register.run(RegisterSettings(run=str(model), name="imported", force=True)),
        "score": lambda: score.run(ScoreSettings(input=str(table))),
        "compare": lambda: compare.run(CompareSettings(runs=f"{made.run_id},{again.run_id}")),
        "monitor": lambda: monitor.run(MonitorSettings(input=str(table), model=made.run_id, limit=1000)),
        "parity": lambda: parity.run(ParitySettings(run=made.run_id, backends="jax", reviews=str(table))),
        "tune": lambda: tune.run(search),
    }


@pytest.mark.parametrize("name", ["prepare", "register", "import", "score", "compare", "monitor", "parity", "tune"])
def test_a_server_that_goes_away_in_the_middle(
    proxy: Proxy, real: str, trained: list[TrainedRun], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """At some of the requests, in each way: the step ends with one line, what it had logged can be sent, and then it can be done."""
    monkeypatch.setattr(outbox, "TIMEOUT", 1)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")
    step = steps(trained, tmp_path)[name]
    failures = 0
    for mode, last in (("cut", 4), ("hang", 6), ("500", 9), ("429", 12)):
        proxy.requests.clear()
        proxy.change = lambda method, path, mode=mode, last=last: setattr(  # type: ignore[misc]
            proxy, "mode", "pass" if len(proxy.requests) < last else mode
        )
        try:
            step()
        except (StepError, MlflowException):  # each is one line
            failures += 1
        proxy.change, proxy.mode = lambda method, path: None, "pass"
        if list((tmp_path / "unsent").rglob("run.json")):
            send.run(SendSettings(str(tmp_path / "unsent")))
    assert failures > 1
    monkeypatch.setattr(outbox, "TIMEOUT", 120)
    monkeypatch.setattr(server, "HEALTH_TIMEOUT", 20)
    step()
    for run in MlflowClient(real).search_runs(["0"], "attributes.status = 'RUNNING'"):  # whose beginning was not heard of
        assert run.data.tags["process"] == this_process()
        assert "failure" not in run.data.tags
    assert not list((tmp_path / "unsent").rglob("*.json*"))
