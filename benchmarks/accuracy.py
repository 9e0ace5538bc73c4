"""How accurate the default model is over three seeds, and its network and n-grams alone; and other models on the same reviews.

Nothing is chosen on the test split: epochs, penalties and what a model is made of are chosen on the validation split. Whatever needs
no such choice any more is fitted on both splits.

`SETTINGS=pretrain=teacher,embedding_size=100` measures a bilstm with these settings of `train` in place of the defaults, without the other
models; `SEEDS=1` one seed in place of three.
"""

import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import floret
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from benchmarks import keras_example
from benchmarks.common import changed, prepare, train
from benchmarks.data_sets import IMDB, DataSet
from benchmarks.report import Accuracies
from sentiment.model.scorer import Scorer
from sentiment.preparation.prepared import Prepared
from sentiment.ragged import from_lengths
from sentiment.reviews import find_source
from sentiment.reviews.batch import TEST, TRAIN, VALIDATION
from sentiment.settings import PrepareSettings, TrainSettings
from sentiment.steps import evaluate
from sentiment.text import ngrams
from sentiment.text.ngrams import SKIP_BIT
from sentiment.training import ngram_regression

SEEDS = tuple(map(int, os.environ.get("SEEDS", "1,2,3").split(",")))
SETTINGS = os.environ.get("SETTINGS", "")
PARTS = {"network": "test_accuracy_network", "n-grams": "test_accuracy_ngrams", "both": "test_accuracy"}
FAST_TEXT_EPOCHS = (2, 5, 10, 25)
INVERSE_PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0)


def rows(data_set: DataSet, seeds: Sequence[int] = SEEDS) -> list[Accuracies]:
    """One for each architecture."""
    settings = PrepareSettings(reviews=data_set.reviews)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "prepared.h5"
        data = prepare(settings, path)
        tests = f"{len(data.rows(TEST)):,}" + (f" of {data_set.whole_test:,}" if len(data.rows(TEST)) < data_set.whole_test else "")
        print(f"{data_set.name}: {len(data.rows(TRAIN, VALIDATION)):,} training, {tests} test reviews", flush=True)
        options = "".join(f"{name}={os.environ[name]} " for name in ("SETTINGS", "SEEDS") if os.environ.get(name))
        command = options + data_set.command("accuracy")
        if SETTINGS:
            return [_ours(data_set.name, changed(TrainSettings(), SETTINGS), data, path, seeds, tests, command)]
        others = {"TF-IDF": [_tf_idf(settings, data)], "NB-SVM": [_nb_svm(data)], "fastText": [_fast_text(data, Path(folder))]}
        if data_set is IMDB:
            others["Keras example"] = [_example(path)]
        print(f"  {', '.join(f'{name} {values[0]:.4f}' for name, values in others.items())}", flush=True)
        architectures = ("bilstm",) if data_set is IMDB else ("bilstm", "cnn")
        every = [TrainSettings(architecture=architecture) for architecture in architectures]
        ours = [_ours(data_set.name, each, data, path, seeds, tests, command) for each in every]
        return [replace(row, accuracies=row.accuracies | others) for row in ours]


def _ours(name: str, settings: TrainSettings, data: Prepared, path: Path, seeds: Sequence[int], tests: str, command: str) -> Accuracies:
    """Of a model with these settings, trained with each seed. tests: the test reviews, in words."""
    trainings = [_train(replace(settings, seed=seed), data, path) for seed in seeds]
    accuracies = {part: [metrics[metric] for metrics, _ in trainings] for part, metric in PARTS.items()}
    minutes = float(np.mean([minutes for _, minutes in trainings]))
    return Accuracies(name, settings.architecture, accuracies, minutes, tests, command)


def _train(settings: TrainSettings, data: Prepared, path: Path) -> tuple[dict[str, float], float]:
    """Test metrics, and minutes of the whole training."""
    model, begun = path.with_name("model.h5"), time.perf_counter()
    train(settings, data, model)
    minutes = (time.perf_counter() - begun) / 60
    metrics = evaluate.test_metrics(evaluate.score(Scorer(model), data))
    parts = ", ".join(f"{name} {metrics[metric]:.4f}" for name, metric in PARTS.items())
    print(f"  {settings.architecture}, seed {settings.seed}: {parts}; {minutes:.1f} min, {time.strftime('%H:%M')}", flush=True)
    return metrics, minutes


def _tf_idf(settings: PrepareSettings, data: Prepared) -> float:
    """The one line of scikit-learn, on raw texts, with all the training labels: test accuracy."""
    learned = data.rows(TRAIN, VALIDATION)
    texts = learned_texts(settings, data)
    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=10, max_iter=1000)).fit(texts, data.labels[learned])
    return float(model.score(data.test_texts, data.labels[data.rows(TEST)]))


def learned_texts(settings: PrepareSettings, data: Prepared) -> list[str]:
    """The raw texts of the training and validation reviews of `data`, in order.

    Its rows are in the order of the source, which is read again, some left out; they are known by their words and labels.
    """
    texts, learned = [], iter(data.rows(TRAIN, VALIDATION).tolist())
    row = next(learned, -1)
    for batch in find_source(settings).read(lambda size: None):
        numbers = data.encoder.number(batch.texts)
        for at, text in enumerate(batch.texts):
            if row < 0 or batch.labels[at] != data.labels[row] or batch.splits[at] == TEST:
                continue
            if np.array_equal(numbers.row(at), data.words.row(row)):
                texts.append(text)
                row = next(learned, -1)
    assert row < 0, f"{len(data.rows(TRAIN, VALIDATION)) - len(texts)} of the reviews were not found again"
    return texts


def _nb_svm(data: Prepared) -> float:
    """Wang & Manning's features of one to three words into logistic regression, with all the training labels: test accuracy."""
    known = ngrams.fit(data.words.take(data.rows(TRAIN)), TrainSettings().ngrams)
    encoded = known.encode(data.words.take(data.rows(TRAIN, VALIDATION, TEST)))
    sequence = np.append(False, known.last < SKIP_BIT)[encoded.ids]  # and not a pair of words apart
    rows = np.repeat(np.arange(len(encoded)), encoded.lengths)
    reviews = from_lengths(encoded.ids[sequence], np.bincount(rows[sequence], minlength=len(encoded)))
    kept = data.rows(TRAIN, VALIDATION, TEST)
    labels, split = data.labels[kept], data.split[kept]

    def accuracy(inverse_penalty: float, splits: tuple[int, ...], judged: int) -> float:
        learned, judging = np.isin(split, splits), split == judged
        ratios = ngram_regression.log_count_ratios(reviews.take(np.flatnonzero(learned)), labels[learned], len(known))
        features = ngram_regression.features(reviews, ratios)
        model = LogisticRegression(C=inverse_penalty, solver="liblinear", dual=True).fit(features[learned], labels[learned])
        return float(model.score(features[judging], labels[judging]))

    best = max(INVERSE_PENALTIES, key=lambda inverse_penalty: accuracy(inverse_penalty, (TRAIN,), VALIDATION))
    return accuracy(best, (TRAIN, VALIDATION), TEST)


def _fast_text(data: Prepared, folder: Path) -> float:
    """Test accuracy of fastText (Joulin et al. 2016), as floret has it, with the epochs that are best on validation."""
    words, labels = data.words, data.labels

    def line(row: int) -> str:
        return " ".join(map(str, words.row(row)))

    def fit(epochs: int, *splits: int) -> Any:
        file = folder / "train.txt"
        shuffled = np.random.default_rng(1).permutation(data.rows(*splits))  # it learns them in the order of the file
        file.write_text("".join(f"__label__{labels[row]} {line(row)}\n" for row in shuffled))
        return floret.train_supervised(str(file), wordNgrams=2, lr=0.5, dim=50, epoch=epochs, thread=1, seed=1, verbose=0)

    def accuracy(model: Any, split: int) -> float:
        rows = data.rows(split)
        guesses, _ = model.predict([line(row) for row in rows])
        return float(np.mean([label == f"__label__{labels[row]}" for (label,), row in zip(guesses, rows, strict=True)]))

    best = max(FAST_TEXT_EPOCHS, key=lambda epochs: accuracy(fit(epochs, TRAIN), VALIDATION))
    return accuracy(fit(best, TRAIN, VALIDATION), TEST)


def _example(path: Path) -> float:
    """Test accuracy of the epoch that is best on validation."""
    return max(keras_example.run(path), key=lambda epoch: epoch["validation"])["test"]
