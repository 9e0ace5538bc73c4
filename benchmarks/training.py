"""Training throughput, in real tokens (padding not counted), against plain Keras `fit` on the same layers; and multiply-adds."""

import json
import subprocess
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks.common import prepare
from benchmarks.report import Row
from sentiment.backends import ALL
from sentiment.places import PROJECT
from sentiment.prepared import Prepared
from sentiment.reviews.batch import TRAIN
from sentiment.scorer import Scorer
from sentiment.settings import PrepareSettings, TrainSettings
from sentiment.trainer_process import Epoch, Trainer, Verdict, available_cores, environment

COMMAND = "python -m benchmarks training"
BACKENDS = ("tensorflow", "jax", "cntk")
REVIEWS = 12_000  # of which about two fifths are not trained on
SIDE = 2048  # of the matrices whose product is the machine's own speed
PASSES = 3  # a training step is the forward pass, and twice as much backward


def rows(reviews: str) -> list[Row]:
    found, ours = [], {}
    with tempfile.TemporaryDirectory() as folder:
        path, model = Path(folder) / "prepared.h5", Path(folder) / "model.h5"
        settings = PrepareSettings(reviews=reviews, sample=REVIEWS)
        data = prepare(settings, path)
        for backend in BACKENDS:
            train = TrainSettings(backend=backend, epochs=2)
            ours[backend] = _ours(train, path, model)
            plain = _plain(train, path, settings.max_length)
            measured = f"{ours[backend]:,.0f} and {plain:,.0f} tokens/s"
            found.append(Row(f"training on {backend}", "plain Keras fit", ours[backend] / plain, measured, COMMAND))
        scored = _scored(model, data)
    measured = f"{ours['cntk']:,.0f} and {ours['tensorflow']:,.0f} tokens/s"
    found.append(Row("training on cntk", "on tensorflow", ours["cntk"] / ours["tensorflow"], measured, COMMAND))
    machine = _machine()
    for what, speed in (
        ("training on tensorflow", ours["tensorflow"] * PASSES * _per_token(TrainSettings())),
        ("the scorer", scored * _per_token(TrainSettings())),
    ):
        measured = f"{speed / 1e9:.1f} and {machine / 1e9:.1f} billion/s"
        found.append(Row(f"multiply-adds, {what}", f"product of {SIDE} x {SIDE} matrices", speed / machine, measured, COMMAND))
    return found


def _ours(settings: TrainSettings, path: Path, model: Path) -> float:
    """Of the second epoch: the first compiles."""
    heard: list[Epoch] = []

    def judge(epoch: Epoch) -> Verdict:
        heard.append(epoch)
        return Verdict(keep=True, stop=False)

    with Trainer(ALL[settings.backend]) as trainer:
        trainer.train(path, model, asdict(settings), [TRAIN], judge)
    return heard[-1].tokens_per_second


def _plain(settings: TrainSettings, path: Path, max_length: int) -> float:
    backend, cores = ALL[settings.backend], available_cores()
    given = json.dumps(asdict(settings) | {"max_length": max_length})
    command = [str(backend.interpreter()), "-m", "benchmarks.plain_fit", str(path), given, *map(str, cores)]
    done = subprocess.run(command, env=environment(backend, len(cores)), cwd=PROJECT, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1])["tokens_per_second"])


def _scored(model: Path, data: Prepared) -> float:
    """Tokens per second."""
    scorer = Scorer(model)
    scorer.score_ids(data.reviews.take(np.arange(100)))
    begun = time.perf_counter()
    scorer.score_ids(data.reviews)
    return float(len(data.reviews.tokens.ids) / (time.perf_counter() - begun))


def _per_token(settings: TrainSettings) -> int:
    """Multiply-adds of the two LSTMs, for one token forward: four gates, each from the word and from the state before."""
    return 2 * 4 * settings.lstm_size * (settings.embedding_size + settings.lstm_size)


def _machine() -> float:
    """Multiply-adds per second."""
    a = np.random.default_rng(0).random((SIDE, SIDE), np.float32)
    a @ a
    begun = time.perf_counter()
    for _ in range(3):
        a @ a
    return 3 * SIDE**3 / (time.perf_counter() - begun)
