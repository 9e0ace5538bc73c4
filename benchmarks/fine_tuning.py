"""What few reviews gain from a network that starts from one that was trained on many: the bundled ones, over ten splits, from IMDB's.

`START=model.h5` names a model to start from; without it, the default network is trained on IMDB first. Each split is drawn anew, and
both trainings on it have the same seed; the test split is looked at once for each.
"""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.common import Paired, prepare, train
from benchmarks.report import Row
from sentiment.backends.interpreters import ALL
from sentiment.model import model_file
from sentiment.model.scorer import Scorer
from sentiment.preparation.prepared import Prepared
from sentiment.settings import SIZES, PrepareSettings, TrainSettings
from sentiment.steps import evaluate
from sentiment.training import training
from sentiment.training.trainer_process import Trainer

SPLITS = range(1, 11)
PARTS = {"network": "test_accuracy_network", "model": "test_accuracy"}


def rows(many: str, few: str = PrepareSettings.reviews) -> list[Row]:
    """many, few: reviews, as `prepare` takes them; the first are not read if START names a model."""
    named = os.environ.get("START", "")
    command = f"{'START=MODEL' if named else 'IMDB=FILE'} python -m benchmarks fine_tuning"
    with tempfile.TemporaryDirectory() as folder, Trainer(ALL["tensorflow"]) as trainer:
        path = Path(folder) / "model.h5"
        start = Path(named) if named else path.with_name("start.h5")
        if not named:
            data = prepare(PrepareSettings(reviews=many), path.with_name("prepared.h5"))
            train(TrainSettings(ngrams=0), data, start)
        alone, started = [], []
        for seed in SPLITS:
            data = prepare(PrepareSettings(reviews=few, seed=seed), path.with_name("prepared.h5"))
            alone.append(_accuracies(trainer, TrainSettings(seed=seed), data, path))
            started.append(_accuracies(trainer, _like(start, seed), data, path, start))
            print(f"  split {seed}: {alone[-1]} alone, {started[-1]} started", flush=True)
    return [_row(part, [each[part] for each in alone], [each[part] for each in started], command) for part in PARTS]


def _like(start: Path, seed: int) -> TrainSettings:
    """The defaults, with the sizes of a model's network."""
    theirs = model_file.read(start).settings
    names = ("architecture", *SIZES[theirs["architecture"]])
    return replace(TrainSettings(seed=seed), **{name: theirs[name] for name in names})


def _accuracies(trainer: Trainer, settings: TrainSettings, data: Prepared, path: Path, start: Path | None = None) -> dict[str, float]:
    training.train(trainer, settings, data, path, start=start)
    metrics = evaluate.test_metrics(evaluate.score(Scorer(path), data))
    return {part: round(metrics[name], 4) for part, name in PARTS.items()}


def _row(part: str, alone: list[float], started: list[float], command: str) -> Row:
    errors = Paired.of([(1 - a, 1 - b or 1e-9) for a, b in zip(alone, started, strict=True)])
    figures = [f"{100 * np.mean(each):.1f} % ({100 * min(each):.1f}–{100 * max(each):.1f})" for each in (alone, started)]
    measured = f"test accuracy {figures[0]} and {figures[1]}, means of {len(alone)} splits with their range"
    return Row(f"errors of the {part} on the bundled reviews", "of one that starts from IMDB's", errors, measured, command)
