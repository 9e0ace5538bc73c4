"""How runs begin and end, and what is said of a server, an experiment or a run that can't be used."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from sentiment import tracking
from sentiment.backends.interpreters import ALL
from sentiment.errors import UserError
from sentiment.paths import PROJECT
from sentiment.settings import Choices, EvaluateSettings, MainSettings, PrepareSettings, ScoreSettings, TrainSettings, TuneSettings
from sentiment.tracking import commands, processes, sending, server, titles
from sentiment.training.trainer_process import Trainer, TrainerError
from tests.processes import DEADLINE, Launch, is_running, wait_until

from .faults import Proxy, faulty

SETTINGS = ScoreSettings(input="reviews.csv")
SECRET = "swordfish-7"


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A server that answers what a test has it answer, and nothing else; its address has a login."""
    with faulty("http://127.0.0.1:9") as proxy:
        address = proxy.url.replace("://", f"://someone:{SECRET}@")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        mlflow.set_tracking_uri(address)
        yield proxy


def refusal() -> str:
    with pytest.raises(UserError) as caught:
        server.check_server()
    return str(caught.value)


def test_a_wrong_login_is_called_so_without_the_password(proxy: Proxy) -> None:
    proxy.mode = "401"
    said = refusal()
    assert "does not take the login" in said
    assert "someone:***@" in said
    assert SECRET not in said


def test_a_server_that_is_too_old_is_refused(proxy: Proxy) -> None:
    proxy.answers["/version"] = (200, "2.22.1")
    assert "too old" in refusal()


def test_a_password_is_not_printed_or_tagged(launch: Launch, proxy: Proxy, store: str) -> None:
    proxy.mode = "cut"
    done = launch("entry_points.prepare", MLFLOW_HTTP_REQUEST_MAX_RETRIES="0", MLFLOW_TRACKING_URI=mlflow.get_tracking_uri())
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert SECRET not in done.stdout + done.stderr
    mlflow.set_tracking_uri(store)
    with pytest.raises(ValueError, match="meant"), tracking.step_run("score", SETTINGS) as run:
        raise ValueError(f"meant: http://someone:{SECRET}@host/api failed")
    tags = MlflowClient(store).get_run(run.info.run_id).data.tags
    assert tags["failure"] == "meant: http://someone:***@host/api failed"
    assert SECRET not in str(tags)


def test_an_experiment_that_is_deleted_or_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    number = mlflow.create_experiment("gone")
    MlflowClient().delete_experiment(number)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "gone")
    assert "experiment is deleted" in refusal()
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "4711")
    assert "MLFLOW_EXPERIMENT_ID=4711" in refusal()
    mlflow.create_experiment("another")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "another")
    assert "does not match" in refusal()


def test_runs_are_begun_in_an_experiment_of_their_own_of_the_training_kind(launch: Launch, store: str, tmp_path: Path) -> None:
    """And what `mlflow run` begins in MLflow's own, unasked, is found from there and the other way round; a named one stands alone."""
    prepare = ["--max-length=20", "--separator=|", f"--reviews={PROJECT / 'data' / 'reviews.txt'}"]
    done = launch("entry_points.prepare", *prepare)
    assert done.returncode == 0, done.stderr
    client = MlflowClient(store)
    own = client.get_experiment_by_name("sentiment")
    assert own
    assert own.tags["mlflow.experimentKind"] == "custom_model_development"
    (first,) = client.search_runs([own.experiment_id])
    done = launch("mlflow", "run", ".", "--env-manager", "local", "-e", "prepare", "-P", "max_length=20", "-P", "separator=|")
    assert done.returncode == 0, done.stderr
    (second,) = client.search_runs(["0"])
    assert second.data.tags["reused_run_id"] == first.info.run_id
    done = launch("entry_points.prepare", *prepare, MLFLOW_EXPERIMENT_NAME="another")
    (third,) = client.search_runs([client.get_experiment_by_name("another").experiment_id])  # type: ignore[union-attr]
    assert "reused_run_id" not in third.data.tags


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
    with tracking.step_run("score", SETTINGS):
        pass
    status = {name: client.get_run(run_id).info.status for name, run_id in runs.items()}
    assert {name for name, each in status.items() if each == "FAILED"} == {"gone", "child"}
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


def test_runs_of_others_are_not_ours() -> None:
    client = MlflowClient()
    for tags in ({"step": "prepare"}, {"step": "prepare", "project": "another"}):
        client.set_terminated(client.create_run("0", tags=tags).info.run_id)
    assert tracking.find_runs("prepare") == []
    with tracking.step_run("prepare", PrepareSettings()) as run:
        pass
    assert [each.info.run_id for each in tracking.find_runs("prepare")] == [run.info.run_id]


def of_make_run() -> list[str]:
    """What `make run` does, with prepare alone."""
    shown = subprocess.run(
        ["make", "--no-print-directory", "-n", "-o", ".venv/ready", "run"], cwd=PROJECT, capture_output=True, text=True, check=True
    ).stdout
    assert shown.count("-P backend=tensorflow") == 1
    return ["sh", "-ec", shown.replace("-P backend=tensorflow", "-e prepare -P max_length=20")]


@pytest.mark.slow
@pytest.mark.parametrize("make", [False, True])
def test_two_commands_at_once_in_a_fresh_folder(tmp_path: Path, make: bool) -> None:
    env = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(PROJECT),
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path / 'fresh' / 'mlflow.db'}" if make else "sqlite:///mlflow.db",
        "MLFLOW_EXPERIMENT_NAME": "sentiment",
        "MLFLOW_DEFAULT_ARTIFACT_ROOT": str(tmp_path / "artifacts"),
    }
    folder = tmp_path / "fresh"
    folder.mkdir()
    entry_point = [sys.executable, "-m", "entry_points.prepare", f"--reviews={PROJECT / 'data' / 'reviews.txt'}", "--max-length=20"]
    command, where = (of_make_run(), PROJECT) if make else (entry_point, folder)
    both = [subprocess.Popen(command, cwd=where, env=env, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        _, errors = process.communicate(timeout=DEADLINE)
        assert process.returncode == 0, errors
    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    (number,) = {e.experiment_id for e in client.search_experiments() if e.name == "sentiment"}
    assert len(client.search_runs([number], "attributes.status = 'FINISHED'")) == 2


def test_nothing_is_left_in_the_temporary_folder(launch: Launch, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    done = launch("entry_points.main", "--epochs=1", "--lstm-size=4", "--max-length=20", "--ngrams=500", TMPDIR=str(temporary))
    assert done.returncode == 0, done.stderr
    assert [path.name for path in temporary.iterdir() if path.name != ".ses"] == []  # ONNX Runtime's, when it is imported: 51 bytes


@pytest.mark.parametrize("what", ["HOME", "TMPDIR", "XDG_CACHE_HOME"])
def test_a_folder_that_can_not_be_written_costs_one_line_at_most(launch: Launch, tmp_path: Path, what: str) -> None:
    (tmp_path / "file").write_text("no folder")
    done = launch("entry_points.prepare", "--max-length=20", **{what: str(tmp_path / "file")})
    assert done.returncode in (0, 1, 2)
    assert len(done.stderr.splitlines()) <= 1
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.slow
def test_a_trainer_ends_with_its_driver() -> None:
    """Which is killed while the trainer still imports its framework, and reads nothing."""
    code = (
        "import time; from sentiment.backends.interpreters import ALL; from sentiment.training.trainer_process import Trainer; "
        "Trainer._receive = lambda self: print(self._process.pid, flush=True) or time.sleep(600); Trainer(ALL['tensorflow'])"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT, stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout
        trainer = int(driver.stdout.readline())
        # By then it has said with whom it ends.
        wait_until(lambda: "tensorflow" in Path(f"/proc/{trainer}/maps").read_text(), driver)
        driver.send_signal(signal.SIGKILL)
    wait_until(lambda: not is_running(trainer))


@pytest.mark.slow
def test_a_trainer_that_says_nothing_is_a_failure(monkeypatch: pytest.MonkeyPatch, small: Path, tmp_path: Path) -> None:
    with Trainer(ALL["tensorflow"]) as trainer:
        os.kill(trainer._process.pid, signal.SIGSTOP)
        trainer.silence = 0.2
        with pytest.raises(TrainerError, match="said nothing"):
            trainer.score(PROJECT / "tests" / "fixtures" / "default-bilstm.h5", small)


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


def test_commands_and_addresses_are_those_of_the_tracking_server(monkeypatch: pytest.MonkeyPatch) -> None:
    assert commands.open_page("there") == ("make ui", "then open there")
    assert commands.entry_point("register", run="my run") == "mlflow run . --env-manager local -e register -P run='my run'"
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "my reviews")
    assert commands.entry_point("main") == "mlflow run . --env-manager local --experiment-name 'my reviews'"
    mlflow.set_tracking_uri(f"https://someone:{SECRET}@example.com/mlflow/")
    assert commands.curves_page("3").startswith("https://example.com/mlflow/#/experiments/3/runs?")


def test_runs_that_log_the_same_dataset_at_once(store: str, tmp_path: Path) -> None:
    client = mlflow.MlflowClient(store)
    runs = [client.create_run("0").info.run_id for _ in range(8)]
    barrier = threading.Barrier(len(runs))

    def log(run_id: str) -> None:
        for number in range(5):
            dataset = {"name": "films.csv test", "digest": str(number), "source_type": "local", "source": "{}", "schema": "", "profile": ""}
            barrier.wait(60)
            list(sending.send(run_id, tmp_path, [{"inputs": {"test": dataset}}]))

    with ThreadPoolExecutor(len(runs)) as pool:
        list(pool.map(log, runs))
    for run_id in runs:
        inputs = client.get_run(run_id).inputs
        assert inputs
        assert sorted(each.dataset.digest for each in inputs.dataset_inputs) == list("01234")
