"""The entry points as users start them: real processes, a real tracking server."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from sentiment.model.scorer import Scorer
from sentiment.paths import PROJECT
from sentiment.settings import BACKENDS, NETWORKS, MainSettings, PrepareSettings, TrainSettings, parameters
from sentiment.steps import parity

from .conftest import SHARED_DATA, Launch, running

KEPT = Path(__file__).parent / "fixtures" / "cntk-bilstm.h5"
SCORE_PLOTS = ("roc", "precision_recall", "calibration", "score_histogram", "confusion_matrix", "accuracy_by_length")
QUICK = ["epochs=2", "lstm_size=8", "embedding_size=8"]
EPOCH_METRICS = {"train_loss", "train_accuracy", "val_loss", "val_accuracy", "val_auc", "epoch_seconds", "tokens_per_second"}
PARTS_METRICS = {
    f"{part}_val_{metric}" for part in ("network", "ngrams", "model") for metric in ("accuracy", "auc", "loss", "brier", "ece")
}
TEST_METRICS = {"test_accuracy", "test_auc", "test_f1", "test_log_loss", "test_balanced_accuracy"}
TEST_METRICS |= {"test_accuracy_network", "test_accuracy_ngrams", "test_accuracy_low", "test_accuracy_high", "test_brier", "test_ece"}


def project(*parameters: str) -> list[str]:
    """Arguments of `mlflow run`, in this environment."""
    return ["run", ".", "--env-manager", "local", *[word for parameter in parameters for word in ("-P", parameter)]]


def options(*parameters: str) -> list[str]:
    return [f"--{parameter.replace('_', '-', parameter.split('=')[0].count('_'))}" for parameter in parameters]


def runs(uri: str) -> dict[str, list[Run]]:
    """All runs of a store by their step."""
    client = MlflowClient(uri)
    found: dict[str, list[Run]] = {}
    for run in client.search_runs([e.experiment_id for e in client.search_experiments()]):
        found.setdefault(run.data.tags.get("step", "none"), []).append(run)
    return found


def names(uri: str, run: Run) -> set[str]:
    return {item.path for item in MlflowClient(uri).list_artifacts(run.info.run_id)}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """An `mlflow server` on a free port, which also keeps the artifacts."""
    places = ["--backend-store-uri", f"sqlite:///{tmp_path / 'server.db'}", "--artifacts-destination", str(tmp_path / "kept")]
    with running(tmp_path, "/health", "server", *places, "--workers", "1") as url:
        yield url


def test_the_whole_way_on_a_server_with_cntk(launch: Launch, server: str) -> None:
    done = launch("mlflow", *project("backend=cntk", *QUICK), MLFLOW_TRACKING_URI=server)
    assert done.returncode == 0, done.stderr
    found = runs(server)
    assert {step: len(its) for step, its in found.items()} == {"main": 1, "prepare": 1, "train": 1, "evaluate": 1, "register": 1}
    (main,), (prepare,), (train,) = found["main"], found["prepare"], found["train"]
    for run in (prepare, train, found["evaluate"][0]):
        assert run.data.tags["mlflow.parentRunId"] == main.info.run_id
        assert run.info.status == "FINISHED"
    for run, kind, more in ((main, MainSettings, set()), (prepare, PrepareSettings, set()), (train, TrainSettings, {"device"})):
        assert set(run.data.params) == {f.name for f in parameters(kind)} | more
    assert train.data.params["lstm_size"] == "8"
    assert train.data.params["prepared"] == train.data.tags["prepared_run_id"] == prepare.info.run_id
    assert train.data.tags["data_fingerprint"] == prepare.data.tags["data_fingerprint"]
    for metric in EPOCH_METRICS:
        history = MlflowClient(server).get_metric_history(train.info.run_id, metric)
        assert sorted(value.step for value in history) == [1, 2], metric
    assert set(train.data.metrics) >= PARTS_METRICS | {"network_weight", "ngrams_weight", "best_epoch"}
    kept = min(MlflowClient(server).get_metric_history(train.info.run_id, "val_loss"), key=lambda value: value.value)
    assert train.data.metrics["best_epoch"] == kept.step
    assert train.data.metrics["network_val_loss"] == kept.value
    assert "learned from 34 validation reviews" in train.data.tags["combination"]
    assert prepare.data.tags["split_method"].startswith("single reviews")
    assert set(main.data.metrics) >= TEST_METRICS
    assert not TEST_METRICS & set(train.data.metrics)
    assert names(server, prepare) == {"prepared.h5", "review_lengths.png"}
    assert names(server, train) == {"model.h5", "trainer.log", "plots"}
    assert names(server, main) == {"report.html"}
    assert f"main: the report is mlflow-artifacts:/{main.info.experiment_id}/{main.info.run_id}/artifacts/report.html" in done.stdout
    measured = [f"plots/{split}_{name}.png" for split in ("test", "validation") for name in SCORE_PLOTS]
    for run, plots in ((found["evaluate"][0], measured[:6]), (train, ["plots/learning_curves.png", *measured[6:]])):
        assert {item.path for item in MlflowClient(server).list_artifacts(run.info.run_id, "plots")} == set(plots)
    mlflow.set_tracking_uri(server)
    table = mlflow.load_table("most_wrong.json", [found["evaluate"][0].info.run_id])
    assert len(table) == round((1 - main.data.metrics["test_accuracy"]) * prepare.data.metrics["test_reviews"])
    assert (table.label != table.called).all()
    assert train.outputs
    assert len(train.outputs.model_outputs) == 1
    assert prepare.inputs
    assert prepare.inputs.dataset_inputs[0].dataset.name == "reviews.txt"
    assert prepare.data.metrics["train_reviews"] + prepare.data.metrics["validation_reviews"] + prepare.data.metrics["test_reviews"] == 432

    again = launch("mlflow", *project("architecture=cnn", "register=false", *QUICK), MLFLOW_TRACKING_URI=server)
    assert again.returncode == 0, again.stderr
    assert f"run {prepare.info.run_id} did the same" in again.stdout
    assert {step: len(its) for step, its in runs(server).items()} == {"main": 2, "prepare": 1, "train": 2, "evaluate": 2, "register": 1}


def test_the_steps_one_by_one_and_parity(launch: Launch, store: str) -> None:
    for program, arguments in (
        ("prepare", ["--sample=80", "--max-length=30"]),
        ("prepare", ["--sample=80", "--max-length=30"]),
        ("train", ["--architecture=cnn-lstm", *options(*QUICK)]),
        ("parity", []),
    ):
        done = launch(f"entry_points.{program}", *arguments)
        assert done.returncode == 0, done.stderr
    found = runs(store)
    first, second = sorted(found["prepare"], key=lambda run: run.info.start_time)
    assert second.data.tags["reused_run_id"] == first.info.run_id
    assert names(store, first) == names(store, second)
    assert first.data.metrics == second.data.metrics
    assert found["train"][0].data.tags["prepared_run_id"] == second.info.run_id
    (parity,) = found["parity"]
    assert parity.data.metrics["largest_difference"] < 1e-5
    assert parity.data.metrics["largest_logit_difference"] < 1e-4
    assert {name for name in parity.data.metrics if name.startswith("difference_")} == {
        f"difference_{backend}{what}" for backend in BACKENDS for what in ("", "_network_logit")
    }
    table = pd.read_csv(mlflow.artifacts.download_artifacts(run_id=parity.info.run_id, artifact_path="scores.csv"))
    assert list(table) == ["reviewText", "scorer", *BACKENDS, "network_logit_scorer", *(f"network_logit_{name}" for name in BACKENDS)]
    assert len(table) == 432


@pytest.mark.parametrize(
    ("program", "arguments", "said"),
    [
        ("train", ["--backend=nosuch"], "backend=nosuch"),
        ("train", ["--lstm-size=-1"], "lstm_size=-1"),
        ("train", ["--lstm-size=1.5"], "lstm_size=1.5"),
        ("train", ["--dropout=1"], "dropout=1"),
        ("train", ["--learning-rate=nan"], "learning_rate=nan"),
        ("train", ["--prepared=latest"], "prepared=latest"),
        ("train", ["--prepared=nosuch"], "prepared=nosuch"),
        ("train", ["--start-from=nosuch"], "start_from=nosuch"),
        ("train", ["--architecture=ngrams", "--ngrams=0"], "architecture=ngrams, ngrams=0"),
        ("train", [f"--start-from={KEPT}"], "embedding_size=8, embedding_size=50"),
        ("train", ["--nosuch=1"], "--nosuch=1"),
        ("main", ["--reviews=/nowhere.txt"], "reviews=/nowhere.txt"),
        ("main", ["--test-fraction=0"], "test_fraction=0"),
        ("prepare", ["--lowercase=maybe"], "lowercase=maybe"),
        ("parity", ["--backends=keras"], "backends=keras"),
        ("parity", [], "run=latest"),
    ],
)
def test_a_wrong_parameter_is_answered_with_one_line(launch: Launch, program: str, arguments: list[str], said: str) -> None:
    done = launch(f"entry_points.{program}", *arguments)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert said in line
    assert "Traceback" not in done.stdout + done.stderr


def test_a_run_that_mlflow_launched_says_why_it_failed(launch: Launch, store: str) -> None:
    for parameter, said in (
        ("prepared=nosuch", "no such run or file"),
        ("epochs=0", "out of range"),
        ("nosuch=1", "Unrecognized"),
    ):
        assert launch("mlflow", *project(parameter), "-e", "train").returncode == 1
        (run,) = MlflowClient(store).search_runs(["0"], max_results=1)
        assert run.info.status == "FAILED"
        assert said in run.data.tags["failure"]


def test_a_backend_that_is_not_installed(launch: Launch, tmp_path: Path) -> None:
    done = launch("entry_points.train", "--backend=jax", XDG_CACHE_HOME=str(tmp_path))
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "make install BACKEND=jax" in done.stderr


def test_no_python_for_cntk(launch: Launch, tmp_path: Path) -> None:
    nowhere = {"XDG_CACHE_HOME": str(tmp_path), "PYENV_ROOT": str(tmp_path), "HOME": str(tmp_path), "CONDA_EXE": ""}
    done = launch("entry_points.main", "--backend=cntk", PATH="/usr/bin:/bin", **nowhere)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "pyenv install 3.6" in done.stderr


def test_a_training_that_diverges_says_so(launch: Launch, store: str, small: Path) -> None:
    done = launch("entry_points.train", f"--prepared={small}", "--learning-rate=1e30", "--architecture=cnn")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "Lower learning_rate" in line
    assert runs(store)["train"][0].data.tags["failure"] == line


def test_ngrams_alone_as_a_baseline_and_a_network_alone(launch: Launch, store: str) -> None:
    for arguments in (["architecture=ngrams"], ["ngrams=0", *QUICK]):
        done = launch("entry_points.main", *options("register=false", *arguments))
        assert done.returncode == 0, done.stderr
    network, ngrams = runs(store)["main"]
    assert ngrams.data.metrics["test_accuracy"] == ngrams.data.metrics["test_accuracy_ngrams"] > 0.8
    assert network.data.metrics["test_accuracy"] == network.data.metrics["test_accuracy_network"]
    assert not {"network_val_loss", "best_epoch", "test_accuracy_network"} & set(ngrams.data.metrics)
    assert not {"ngrams_val_loss", "test_accuracy_ngrams"} & set(network.data.metrics)
    assert [run.data.metrics["network_weight"] for run in (network, ngrams)] == [1, 0]
    assert [run.data.metrics["ngrams_weight"] for run in (network, ngrams)] == [0, 1]


def test_a_training_starts_from_another_model(launch: Launch, store: str, small: Path) -> None:
    sizes = ["--architecture=lstm", *options(*QUICK[1:])]
    first = launch("entry_points.train", f"--prepared={small}", *sizes, "--epochs=5", "--learning-rate=0.01")
    assert first.returncode == 0, first.stderr
    (start,) = runs(store)["train"]
    further = launch(
        "entry_points.train", f"--prepared={small}", *sizes, f"--start-from={start.info.run_id}", *("--epochs=1", "--learning-rate=1e-9")
    )
    assert further.returncode == 0, further.stderr
    (run,) = (run for run in runs(store)["train"] if run.info.run_id != start.info.run_id)
    assert run.data.metrics["network_val_loss"] == pytest.approx(start.data.metrics["network_val_loss"], abs=1e-5)


def test_a_run_that_failed_has_nothing_to_train_on(launch: Launch, store: str) -> None:
    with pytest.raises(ValueError, match="meant"), mlflow.start_run(tags={"step": "prepare"}) as run:
        raise ValueError("meant")
    done = launch("entry_points.train", f"--prepared={run.info.run_id}")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "has no prepared.h5" in done.stderr


def test_a_server_that_is_not_there_is_told_at_once(launch: Launch) -> None:
    done = launch("entry_points.main", MLFLOW_TRACKING_URI="http://127.0.0.1:9", MLFLOW_RUN_ID="abc", MLFLOW_HTTP_REQUEST_MAX_RETRIES="0")
    assert done.returncode == 2
    assert "MLFLOW_TRACKING_URI=http://127.0.0.1:9" in done.stderr.splitlines()[0]
    assert "Traceback" not in done.stderr


def test_parity_fails_on_what_is_no_number() -> None:
    right = np.array([0.1, 0.2])
    assert parity.largest_difference({"a": right, "b": right + 1e-3}) == pytest.approx(1e-3)
    assert np.isnan(parity.largest_difference({"a": right, "b": np.array([np.nan, 0.2])}))


def start(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "entry_points.train", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=PROJECT, env=os.environ | environment, text=True, **pipes)  # type: ignore[call-overload,no-any-return]


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("what", ["trainer killed", "interrupted", "told to end"])
def test_a_training_that_is_cut_off_ends_as_failed(launch: Launch, store: str, what: str) -> None:
    assert launch("entry_points.prepare").returncode == 0
    process = start("--epochs=1000", "--patience=1000", "--lstm-size=8")
    assert process.stdout
    assert process.stderr
    while not re.match(r"epoch +2/", line := process.stdout.readline()):
        assert line, process.stderr.read()
    (trainer,) = children(process.pid)
    target, number = {
        "trainer killed": (trainer, signal.SIGKILL),
        "interrupted": (process.pid, signal.SIGINT),
        "told to end": (process.pid, signal.SIGTERM),
    }[what]
    os.kill(target, number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode not in (0, 2)
    (run,) = runs(store)["train"]
    assert run.info.status == "FAILED"
    assert len(MlflowClient(store).get_metric_history(run.info.run_id, "val_loss")) >= 2
    assert "model.h5" not in names(store, run)
    assert "Traceback" not in errors
    if what == "trainer killed":
        assert "was killed by signal 9" in errors
        assert "was killed by signal 9" in run.data.tags["failure"]
    assert not Path(f"/proc/{trainer}").exists()


def test_a_server_that_goes_away_costs_no_finished_model(tmp_path: Path, server: str, small: Path) -> None:
    process = start(
        f"--prepared={small}",
        *("--epochs=40", "--patience=40", "--lstm-size=8"),
        MLFLOW_TRACKING_URI=server,
        MLFLOW_HTTP_REQUEST_MAX_RETRIES="0",
        TMPDIR=str(tmp_path),
    )
    assert process.stdout
    assert process.stderr
    while not re.match(r"epoch +2/", line := process.stdout.readline()):
        assert line, process.stderr.read()
    for child in children(os.getpid()):
        if child != process.pid and "server" in Path(f"/proc/{child}/cmdline").read_text():
            os.killpg(child, signal.SIGKILL)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 1
    named = re.search(r"-P folder=(\S+)", errors)
    assert named, errors
    try:
        (kept, *_) = sorted((PROJECT / named[1]).rglob("model.h5"))
        assert len(Scorer(kept).score(["good", "bad"])) == 2
    finally:
        shutil.rmtree(PROJECT / named[1])


@pytest.mark.parametrize("manager", ["virtualenv", "uv"])
def test_the_environments_that_mlflow_makes(launch: Launch, store: str, tmp_path: Path, manager: str) -> None:
    """`mlflow run .` with no environment prepared: what it builds from python_env.yaml is enough, and is the only one built."""
    given = [word for parameter in ("backend=cntk", *QUICK) for word in ("-P", parameter)]
    chosen = [] if manager == "virtualenv" else ["--env-manager", manager]  # virtualenv, with pyenv, is MLflow's default
    done = launch("mlflow", "run", ".", *chosen, *given, MLFLOW_ENV_ROOT=str(tmp_path / "envs"))
    assert done.returncode == 0, done.stderr
    assert set(runs(store)) == {"main", "prepare", "train", "evaluate", "register"}
    assert len(list((tmp_path / "envs").rglob("pyvenv.cfg"))) == 1


def test_imdb_on_every_backend(launch: Launch, store: str) -> None:
    path = SHARED_DATA / "aclImdb_v1.tar.gz"
    if not path.exists():
        pytest.skip(f"no {path}: training on IMDB is not tested")
    for backend, architecture in zip(BACKENDS, reversed(NETWORKS), strict=True):
        done = launch(
            "entry_points.main",
            f"--reviews={path}",
            "--sample=2000",
            "--epochs=1",
            f"--backend={backend}",
            f"--architecture={architecture}",
        )
        assert done.returncode == 0, done.stderr
    assert len(runs(store)["prepare"]) == 1
