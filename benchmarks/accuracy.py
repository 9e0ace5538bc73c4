"""How accurate the default model is on IMDB, over three seeds, and how soon; and peers, run on the same reviews.

Takes most of an hour. Nothing is chosen on the test split: the epoch is chosen on the validation split, as in `train`, and so are the
penalty of NB-SVM and the epochs of fastText.
"""

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import floret
import numpy as np
import scipy.sparse
from sklearn.linear_model import LogisticRegression

from benchmarks.common import prepare
from benchmarks.report import Row
from sentiment import prepared, training
from sentiment.backends import ALL
from sentiment.ngrams import MARK
from sentiment.places import PROJECT
from sentiment.prepared import Prepared
from sentiment.reviews.batch import TEST, TRAIN, VALIDATION
from sentiment.scorer import Scorer
from sentiment.settings import PrepareSettings, TrainSettings
from sentiment.steps import evaluate
from sentiment.trainer_process import Trainer

COMMAND = "python -m benchmarks accuracy"
SEEDS = (1, 2, 3)
SETTINGS = TrainSettings()
REACHED = 0.88  # validation accuracy whose time is told
FAST_TEXT_EPOCHS = (2, 5, 10)
PENALTIES = (0.03, 0.1, 0.3)


def rows(reviews: str) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        path, wide = Path(folder) / "prepared.h5", Path(folder) / "wide.h5"
        data = prepare(PrepareSettings(reviews=reviews), path)
        prepare(PrepareSettings(reviews=reviews, vocabulary_size=20_000, max_length=4_000, ngrams=0), wide)
        found = [_train(replace(SETTINGS, seed=seed), data, path) for seed in SEEDS]
        example, fast_text = _example(wide), _fast_text(prepared.read(wide), Path(folder))
    accuracies, seconds, reached = (np.array(column) for column in zip(*found, strict=True))
    ours = float(accuracies.mean())
    told = f"{ours:.4f} ({', '.join(f'{value:.4f}' for value in accuracies)}), {seconds.mean() / 60:.1f} min of training"
    nb_svm = _nb_svm(data)
    example_best, _, example_test = max(example, key=lambda epoch: epoch[1])
    peers = {"NB-SVM, one to three words": nb_svm, "fastText, words and bigrams": fast_text, "Keras's BiLSTM example": example_test}
    errors = [
        Row(f"test errors of {peer}", "of the default model", (1 - accuracy) / (1 - ours), f"accuracy {accuracy:.4f} and {told}", COMMAND)
        for peer, accuracy in peers.items()
    ]
    soon = example_best / float(reached.mean())
    measured = f"{example_best:.0f} and {reached.mean():.0f} s"
    return [*errors, Row("time of the example until its best epoch", f"ours until {REACHED} on validation", soon, measured, COMMAND)]


def _train(settings: TrainSettings, data: Prepared, path: Path) -> tuple[float, float, float]:
    """Test accuracy, seconds of training, and seconds until REACHED (all of them, if it never is)."""
    times: list[tuple[float, float]] = []

    def after_epoch(epoch: int, metrics: dict[str, float]) -> bool:
        times.append((metrics["epoch_seconds"], metrics["val_accuracy"]))
        return False

    model = path.with_name("model.h5")
    with Trainer(ALL[settings.backend]) as trainer:
        training.train(trainer, settings, data, path, model, after_epoch)
    accuracy = evaluate.test_metrics(Scorer(model), data)["test_accuracy"]
    until = next((place for place, (_, found) in enumerate(times) if found >= REACHED), len(times) - 1)
    print(f"seed {settings.seed}: test {accuracy:.4f}, {sum(seconds for seconds, _ in times):.0f} s, {time.strftime('%H:%M')}", flush=True)
    return accuracy, sum(seconds for seconds, _ in times), sum(seconds for seconds, _ in times[: until + 1])


def _nb_svm(data: Prepared) -> float:
    """Wang & Manning's features of one to three words into logistic regression: test accuracy, of all the training labels."""
    ngrams = data.reviews.ngrams
    present = scipy.sparse.csr_matrix(
        (np.ones(len(ngrams.ids), np.float32), ngrams.ids - 1, ngrams.offsets), shape=(len(ngrams), len(data.encoder.ngrams))
    )
    together = present[:, data.encoder.ngrams.last < MARK]

    def accuracy(penalty: float, splits: tuple[int, ...], judged: int) -> float:
        rows = np.concatenate([data.rows(split) for split in splits])
        positive = data.labels[rows] == 1
        counts = [1 + np.asarray(together[rows[side]].sum(axis=0)).ravel() for side in (positive, ~positive)]
        weighed = together.multiply(np.log(counts[0] / counts[0].sum() * counts[1].sum() / counts[1])).tocsr()
        model = LogisticRegression(C=penalty, solver="liblinear", dual=True).fit(weighed[rows], positive)
        return float(model.score(weighed[data.rows(judged)], data.labels[data.rows(judged)] == 1))

    best = max(PENALTIES, key=lambda penalty: accuracy(penalty, (TRAIN,), VALIDATION))
    return accuracy(best, (TRAIN, VALIDATION), TEST)


def _fast_text(data: Prepared, folder: Path) -> float:
    """fastText (Joulin et al. 2016), as floret has it: test accuracy of the epochs that are best on validation."""
    words, labels = data.reviews.tokens, data.labels

    def line(row: int) -> str:
        return " ".join(map(str, words.row(row)))

    file = folder / "train.txt"
    shuffled = np.random.default_rng(1).permutation(data.rows(TRAIN))  # it learns them in the order of the file, which is by label
    file.write_text("".join(f"__label__{labels[row]} {line(row)}\n" for row in shuffled))

    def accuracy(model: Any, split: int) -> float:
        rows = data.rows(split)
        found, _ = model.predict([line(row) for row in rows])
        return float(np.mean([label == f"__label__{labels[row]}" for (label,), row in zip(found, rows, strict=True)]))

    models = [
        floret.train_supervised(str(file), wordNgrams=2, lr=0.5, dim=50, epoch=epochs, thread=1, seed=1, verbose=0)
        for epochs in FAST_TEXT_EPOCHS
    ]
    return accuracy(max(models, key=lambda model: accuracy(model, VALIDATION)), TEST)


def _example(path: Path) -> list[list[float]]:
    """Seconds, validation accuracy and test accuracy after each epoch."""
    command = [sys.executable, "-m", "benchmarks.keras_example", str(path)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    found: list[list[float]] = json.loads(done.stdout.splitlines()[-1])
    return found
