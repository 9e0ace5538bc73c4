"""One training: a trainer does it, and this decides after each epoch whether it was the best and whether it was the last."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from sentiment import evaluation
from sentiment.errors import StepError
from sentiment.prepared import Prepared
from sentiment.reviews.batch import VALIDATION
from sentiment.settings import TrainSettings
from sentiment.trainer_process import Epoch, Trainer, Verdict


class EarlyStopping:
    """Keeps the epoch of the least validation loss, and stops when `patience` epochs were no better."""

    def __init__(self, patience: int) -> None:
        self._patience = patience
        self._best = float("inf")
        self._since = 0

    def judge(self, loss: float) -> Verdict:
        better = loss < self._best
        self._best, self._since = (loss, 0) if better else (self._best, self._since + 1)
        return Verdict(keep=better, stop=self._since >= self._patience)


@dataclass(frozen=True)
class Trained:
    """best: metrics of the epoch whose weights the model has; parameters: how many weights."""

    best_epoch: int
    best: dict[str, float]
    parameters: int


def train(
    trainer: Trainer,
    settings: TrainSettings,
    prepared: Prepared,
    prepared_path: Path,
    model: Path,
    after_epoch: Callable[[int, dict[str, float]], None],
    progress: Callable[[int, int], None],
) -> Trained:
    """Trains and writes `model`; `after_epoch` hears each epoch's number and metrics, `progress` of tokens done and all.

    Raises:
        TrainerError: The trainer failed.
        StepError: The first epoch gave no numbers. If a later one gives none, the best before it is kept.
    """
    labels = prepared.labels[prepared.rows(VALIDATION)]
    stopping = EarlyStopping(settings.patience)
    best_epoch, best = 0, dict[str, float]()

    def judge(epoch: Epoch) -> Verdict:
        nonlocal best_epoch, best
        if not np.isfinite([epoch.train_loss, *epoch.val_scores]).all():
            if not best_epoch:
                raise StepError(f"The training diverged in epoch {epoch.epoch}. Lower learning_rate, which was {settings.learning_rate:g}.")
            return Verdict(keep=False, stop=True)
        found = evaluation.measure(labels, np.array(epoch.val_scores))
        metrics = {name: value for name, value in asdict(epoch).items() if name not in ("epoch", "val_scores")}
        metrics |= {"val_loss": found["log_loss"], "val_accuracy": found["accuracy"], "val_auc": found["auc"]}
        verdict = stopping.judge(metrics["val_loss"])
        if verdict.keep:
            best_epoch, best = epoch.epoch, metrics
        after_epoch(epoch.epoch, metrics)
        return verdict

    built = trainer.train(prepared_path, model, asdict(settings), judge, progress)
    return Trained(best_epoch, best, built["parameters"])
