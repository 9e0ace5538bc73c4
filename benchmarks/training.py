"""Training throughput, in real tokens (padding not counted), against plain Keras `fit` on the same layers, on every backend."""

import json
import subprocess
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from benchmarks.common import paired, prepare, seconds
from benchmarks.report import Row
from sentiment.backends.interpreters import ALL
from sentiment.paths import PROJECT
from sentiment.preparation import prepared
from sentiment.settings import PrepareSettings, TrainSettings
from sentiment.training import defaults
from sentiment.training.messages import Epoch, Verdict
from sentiment.training.trainer_environment import available_cores, environment
from sentiment.training.trainer_process import Trainer

COMMAND = "IMDB=FILE python -m benchmarks training"
REVIEWS = 6000  # of which 2700 are trained on
BATCH = 64  # what the default is on the whole of IMDB
PLAIN_BATCH = 32  # what Keras takes, if not told
PLAIN_REVIEWS = {"torch": 320}  # Keras's loop in Python takes a minute for these
PAIRS = 3
UNITS = (64, 128)
SIDE = 2048  # of a matrix that is multiplied


def rows(reviews: str) -> list[Row]:
    settings = PrepareSettings(reviews=reviews, sample=REVIEWS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "prepared.h5"
        prepare(settings, path)
        made = [_row(TrainSettings(backend=backend, batch_size=BATCH, epochs=2), path, settings.max_length) for backend in ALL]
        return [*made, *(_share(TrainSettings(lstm_size=units, batch_size=BATCH, epochs=2), path) for units in UNITS)]


def _row(settings: TrainSettings, path: Path, max_length: int) -> Row:
    pair = paired(lambda: _ours(settings, path), lambda: _plain(settings, path, max_length), PAIRS)
    measured = f"{pair.a:,.0f} and {pair.b:,.0f} tokens/s, in batches of {BATCH} and {PLAIN_BATCH}"
    return Row(f"training on {settings.backend}", "plain Keras fit", pair, measured, COMMAND)


def _share(settings: TrainSettings, path: Path) -> Row:
    """Of what the machine multiplies: the products of both LSTMs alone are counted, of real tokens, forward once and backward twice."""
    units, directions, gates = settings.lstm_size, 2, 4
    per_token = 3 * 2 * directions * gates * units * (settings.embedding_size + units)
    pair = paired(lambda: per_token * _ours(settings, path), _matrix_product, PAIRS)
    measured = f"{pair.a / 1e9:.0f} and {pair.b / 1e9:.0f} Gflop/s, {pair.a / per_token:,.0f} tokens/s"
    return Row(f"training a bilstm of {units} units on {settings.backend}", "NumPy's matrix product of float32", pair, measured, COMMAND)


def _matrix_product() -> float:
    """Operations a second, the best of some."""
    matrix = np.random.default_rng(0).random((SIDE, SIDE), np.float32)
    return 2 * SIDE**3 / min(seconds(lambda: matrix @ matrix) for _ in range(10))


def _ours(settings: TrainSettings, path: Path) -> float:
    """Tokens per second of the second epoch: the first compiles."""
    rates: list[float] = []

    def judge(epoch: Epoch) -> Verdict:
        rates.append(epoch.tokens_per_second or 0)
        return Verdict(keep=True, stop=False)

    data = prepared.read(path)
    values = asdict(settings) | {"word_dropout": defaults.word_dropout(settings, data)}
    with Trainer(ALL[settings.backend]) as trainer:
        trainer.train(data, values, judge, lambda: None)
    return rates[-1]


def _plain(settings: TrainSettings, path: Path, max_length: int) -> float:
    """Tokens per second."""
    backend, cores = ALL[settings.backend], available_cores()
    reviews = PLAIN_REVIEWS.get(backend.name, REVIEWS)
    wanted = json.dumps(asdict(replace(settings, batch_size=PLAIN_BATCH)) | {"max_length": max_length, "reviews": reviews})
    command = [str(backend.interpreter()), "-m", "benchmarks.plain_fit", str(path), wanted, *map(str, cores)]
    done = subprocess.run(command, env=environment(backend, len(cores)), cwd=PROJECT, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1])["tokens_per_second"])
