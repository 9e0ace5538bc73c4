"""The gate, and who is champion after what."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from sentiment.model.scorer import Scorer
from sentiment.paths import PROJECT
from sentiment.registry import gate, golden
from tests.commands import all_runs
from tests.processes import DEADLINE, Launch

pytestmark = pytest.mark.slow

GOLDEN = golden.read("none")
FILE = Path(__file__).parent / "fixtures" / "cntk-bilstm.h5"


def test_mcnemar_by_hand() -> None:
    labels = np.ones(20, int)
    good, bad = np.full(20, 0.9), np.full(20, 0.9)
    bad[:5] = 0.1
    *counts, p = gate.worse_by_chance(labels, bad, good)
    assert counts == [0, 5]
    assert p == pytest.approx(0.5**5)
    assert gate.worse_by_chance(labels, good, bad) == (5, 0, 1.0)
    assert gate.worse_by_chance(labels, good, good) == (0, 0, 1.0)


def test_what_mlflow_imports_for_its_evaluation_is_there_before_there_are_threads() -> None:
    """Its import takes the lock of MLflow's import hooks, and then the interpreter's.

    Each request of another thread, such as that which sends metrics, takes them the other way round: if these meet, both wait for ever.
    """
    code = "import sys, sentiment.steps.register; print('mlflow.models.evaluation.default_evaluator' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, check=True)
    assert done.stdout.strip() == "True"


class Fixed(Scorer):
    """Scores that are given, and golden texts told apart, or not."""

    def __init__(self, scores: list[float], apart: bool = True, network: np.ndarray | None = None, threshold: float = 0.5) -> None:
        self.threshold = threshold
        self._scores, self._apart, self._network = np.array(scores, np.float32), apart, network

    def score(self, texts: list[str]) -> np.ndarray:
        if len(texts) == 2 * len(GOLDEN.pairs):
            return np.array([0.9, 0.1] * len(GOLDEN.pairs)) if self._apart else np.full(len(texts), 0.5)
        return self._scores

    def parts(self, texts: list[str]) -> dict[str, np.ndarray]:
        network = {} if self._network is None else {"network_logit": self._network}
        return {"score": self._scores} | network


def _judge(candidate: Fixed, champion: Fixed | None, texts: list[str], labels: np.ndarray, texts_apart: golden.Golden) -> gate.GateResult:
    return gate.judge(candidate, candidate.parts(texts), champion, texts, labels, texts_apart)


def test_the_gate_vetoes_what_is_worse_beyond_noise() -> None:
    labels, texts = np.array([1, 0] * 10), ["t"] * 20
    right, wrong = [0.9, 0.1] * 10, [0.1, 0.9] * 10
    a_little_worse = [0.1, 0.9, *right[2:]]
    assert _judge(Fixed(right), None, texts, labels, GOLDEN).passed
    assert _judge(Fixed(a_little_worse), Fixed(right), texts, labels, GOLDEN).passed
    assert _judge(Fixed(right), Fixed(wrong), texts, labels, GOLDEN).passed
    much_worse = _judge(Fixed(wrong), Fixed(right), texts, labels, GOLDEN)
    assert not much_worse.passed
    assert "beyond noise" in much_worse.reason
    assert not _judge(Fixed(right, apart=False), None, texts, labels, GOLDEN).passed


def test_the_gate_judges_each_model_at_its_own_threshold() -> None:
    labels, texts = np.array([1, 0] * 10), ["t"] * 20
    high = [0.9, 0.6] * 10  # all right from 0.7 on, half of them from 0.5 on
    lost = _judge(Fixed(high), Fixed(high, threshold=0.7), texts, labels, GOLDEN)
    assert (lost.passed, lost.measures["candidate_accuracy"], lost.measures["champion_accuracy"]) == (False, 0.5, 1.0)
    won = _judge(Fixed(high, threshold=0.7), Fixed(high), texts, labels, GOLDEN)
    assert (won.passed, won.measures["only_candidate_right"]) == (True, 10)


def test_the_gate_vetoes_a_network_that_is_no_better_than_guessing() -> None:
    """However good the n-grams beside it are."""
    labels, texts, right = np.array([1, 0] * 10), ["t"] * 20, [0.9, 0.1] * 10
    for logits, passes in ((np.zeros(20), False), (np.array([-1.0, 1] * 10), False), (np.arange(20.0), False), (labels - 0.5, True)):
        verdict = _judge(Fixed(right, network=logits), None, texts, labels, GOLDEN)
        assert verdict.passed == passes
        assert ("network is no better than guessing" in verdict.reason) != passes
        assert 0 <= verdict.measures["network_auc"] <= 1


def test_a_small_model_tells_the_golden_texts_apart() -> None:
    assert not gate.golden_failures(Scorer(FILE), GOLDEN)


def champion(uri: str) -> str:
    return str(MlflowClient(uri).get_model_version_by_alias("sentiment", "champion").version)


def newest(uri: str) -> str:
    return str(all_runs(uri, "tags.step = 'train'")[0].info.run_id)


def test_from_the_first_champion_to_a_roll_back(launch: Launch, call: Launch, store: str) -> None:
    def register(*arguments: str) -> str:
        done = call("entry_points.register", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    client = MlflowClient(store)
    # With n-grams even a model with an untrained network has a good accuracy.
    quick = ["--backend=cntk", "--architecture=cnn", "--filters=50", "--dense-size=20", "--ngrams=0", "--epochs=8"]
    text = ["--strip-punctuation=true"]
    done = launch("mlflow", "run", ".", "--env-manager", "local", *[w for o in quick + text for w in ("-P", o[2:].replace("-", "_"))])
    assert done.returncode == 0, done.stderr
    assert champion(store) == "1"
    first = client.get_model_version("sentiment", "1")
    assert first.tags["gate"] == "passed"
    assert float(first.tags["gate_candidate_accuracy"]) > 0.5
    assert first.tags["test_split_uses"] == "2"  # main's evaluation, and the gate

    assert call("entry_points.train", *quick[:-1], "--epochs=1", "--learning-rate=1e-9").returncode == 0
    untrained = newest(store)
    assert "rejected" in register(f"--run={untrained}")
    assert champion(store) == "1"
    assert client.get_model_version("sentiment", "2").tags["gate"] == "rejected"
    assert "version 1" in register()  # the best run is the champion's
    assert "forced" in register(f"--run={untrained}", "--force=true")
    assert champion(store) == "2"
    assert client.get_model_version("sentiment", "2").tags["gate"] == "forced"
    register("--run=previous")
    assert champion(store) == "1"

    candidates = []
    for seed in (2, 3):
        assert call("entry_points.train", *quick, f"--seed={seed}").returncode == 0
        candidates.append(newest(store))
    command = [sys.executable, "-m", "entry_points.register"]
    both = [subprocess.Popen([*command, f"--run={run}"], cwd=PROJECT, stdout=subprocess.PIPE) for run in candidates]
    for process in both:
        process.communicate(timeout=DEADLINE)
        assert process.returncode == 0
    versions = {version.run_id: version for version in client.search_model_versions("name = 'sentiment'")}
    assert len(versions) == 4
    tags = {str(versions[run].version): client.get_model_version("sentiment", str(versions[run].version)).tags for run in candidates}
    passed = {version for version, its in tags.items() if its["gate"] == "passed"}
    assert {its["gate"] for its in tags.values()} <= {"passed", "rejected"}
    assert all(its["gate_reason"] for its in tags.values())
    assert champion(store) in (passed or {"1"})
    way_back = [champion(store)]
    while way_back[-1] != "1":
        way_back.append(tags[way_back[-1]]["previous_champion"])
    assert len(set(way_back)) == len(way_back)
    runs = all_runs(store, "tags.step = 'register'")
    assert {run.info.status for run in runs} == {"FINISHED"}


def test_a_test_split_with_few_of_a_label_is_called_so() -> None:
    labels = np.array([1] * 38 + [0] * 2)
    assert "Only 2 of the 40 reviews of the test split are negative" in gate.what_to_do(Scorer(FILE), labels)
    assert gate.what_to_do(Scorer(FILE), np.array([1, 0] * 10)) == gate.TRAIN_MORE
