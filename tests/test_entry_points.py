"""The entry points as users start them: real processes, a real tracking server."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import h5py
import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from sentiment.settings import BACKENDS, NETWORKS, MainSettings, PrepareSettings, TrainSettings, parameters
from sentiment.steps import parity
from tests.conftest import SHARED_DATA
from tests.processes import Launch, tracking_server

from .commands import QUICK, names, options, project, runs

pytestmark = pytest.mark.slow

FIXTURES = Path(__file__).parent / "fixtures"
SCORE_PLOTS = ("roc", "precision_recall", "calibration", "score_histogram", "confusion_matrix", "accuracy_by_length")
EPOCH_METRICS = {"train_loss", "train_accuracy", "val_loss", "val_accuracy", "val_auc", "epoch_seconds", "tokens_per_second"}
PARTS_METRICS = {
    f"{part}_val_{metric}" for part in ("network", "ngrams", "model") for metric in ("accuracy", "auc", "loss", "brier", "ece")
}
TEST_METRICS = {"test_accuracy", "test_auc", "test_f1", "test_log_loss", "test_balanced_accuracy"}
TEST_METRICS |= {"test_accuracy_network", "test_accuracy_ngrams", "test_accuracy_low", "test_accuracy_high", "test_brier", "test_ece"}


@pytest.fixture
def server(tmp_path: Path, tables: Path) -> Iterator[str]:
    with tracking_server(tmp_path, tables) as url:
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


def test_the_steps_one_by_one_and_parity(launch: Launch, call: Launch, store: str) -> None:
    for start, program, arguments in (
        (launch, "prepare", ["--sample=80", "--max-length=30"]),
        (call, "prepare", ["--sample=80", "--max-length=30"]),
        (call, "train", ["--architecture=cnn-lstm", *options(*QUICK)]),
        (call, "parity", []),
    ):
        done = start(f"entry_points.{program}", *arguments)
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


def test_ngrams_alone_as_a_baseline_and_a_network_alone(call: Launch, store: str) -> None:
    for arguments in (["architecture=ngrams"], ["ngrams=0", *QUICK]):
        done = call("entry_points.main", *options("backend=cntk", "register=false", *arguments))
        assert done.returncode == 0, done.stderr
    network, ngrams = runs(store)["main"]
    assert ngrams.data.metrics["test_accuracy"] == ngrams.data.metrics["test_accuracy_ngrams"] > 0.8
    assert network.data.metrics["test_accuracy"] == network.data.metrics["test_accuracy_network"]
    assert not {"network_val_loss", "best_epoch", "test_accuracy_network"} & set(ngrams.data.metrics)
    assert not {"ngrams_val_loss", "test_accuracy_ngrams"} & set(network.data.metrics)
    assert [run.data.metrics["network_weight"] for run in (network, ngrams)] == [1, 0]
    assert [run.data.metrics["ngrams_weight"] for run in (network, ngrams)] == [0, 1]


def test_a_training_starts_from_another_model(call: Launch, store: str, small: Path) -> None:
    sizes = ["--backend=cntk", "--architecture=lstm", *options(*QUICK[1:])]
    first = call("entry_points.train", f"--prepared={small}", *sizes, "--epochs=5", "--learning-rate=0.01")
    assert first.returncode == 0, first.stderr
    (start,) = runs(store)["train"]
    further = call(
        "entry_points.train", f"--prepared={small}", *sizes, f"--start-from={start.info.run_id}", *("--epochs=1", "--learning-rate=1e-9")
    )
    assert further.returncode == 0, further.stderr
    (run,) = (run for run in runs(store)["train"] if run.info.run_id != start.info.run_id)
    assert run.data.metrics["network_val_loss"] == pytest.approx(start.data.metrics["network_val_loss"], abs=1e-5)


def test_parity_fails_where_scores_differ(call: Launch, store: str, tmp_path: Path) -> None:
    """With weights so large that the rounding of float32, which differs between the trainer and the scorer, is over what is allowed."""
    model = shutil.copyfile(FIXTURES / "default-bilstm.h5", tmp_path / "model.h5")
    with h5py.File(model, "r+") as file:
        (kernel,) = [array for name, array in arrays(file) if "network_logit" in name and array.ndim == 2]
        kernel[...] *= 1e6
    with mlflow.start_run(tags={"step": "train"}) as run:
        mlflow.log_artifact(str(model))
    done = call("entry_points.parity", f"--run={run.info.run_id}", "--backends=tensorflow")
    assert done.returncode == 1, done.stderr
    (line,) = done.stderr.splitlines()
    assert re.match(r"The network's logits differ by \S+, more than 1e-04", line)
    (parity,) = runs(store)["parity"]
    assert (parity.info.status, parity.data.tags["failure"]) == ("FAILED", line)
    assert parity.data.metrics["largest_logit_difference"] > 1e-4
    assert names(store, parity) >= {"scores.csv"}


def arrays(file: h5py.File) -> list[tuple[str, h5py.Dataset]]:
    found: list[tuple[str, h5py.Dataset]] = []
    file.visititems(lambda name, item: found.append((name, item)) if isinstance(item, h5py.Dataset) else None)
    return found


def test_parity_fails_on_what_is_no_number() -> None:
    right = np.array([0.1, 0.2])
    assert parity.largest_difference({"a": right, "b": right + 1e-3}) == pytest.approx(1e-3)
    assert np.isnan(parity.largest_difference({"a": right, "b": np.array([np.nan, 0.2])}))


def test_imdb_on_every_backend(call: Launch, store: str) -> None:
    path = SHARED_DATA / "aclImdb_v1.tar.gz"
    if not path.exists():
        pytest.skip(f"no {path}: training on IMDB is not tested")
    for backend, architecture in zip(BACKENDS, reversed(NETWORKS), strict=True):
        program = "train" if backend != BACKENDS[0] else "main"  # which prepares for all
        # The n-grams of the others are the driver's, and would be the same.
        own = [f"--reviews={path}", "--sample=600", "--register=false"] if program == "main" else ["--ngrams=500"]
        done = call(f"entry_points.{program}", *own, "--epochs=1", f"--backend={backend}", f"--architecture={architecture}")
        assert done.returncode == 0, done.stderr
    (prepare,) = runs(store)["prepare"]
    assert [run.data.tags["prepared_run_id"] for run in runs(store)["train"]] == [prepare.info.run_id] * len(BACKENDS)
