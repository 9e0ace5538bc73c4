"""One training: a trainer does it, and this decides after each epoch whether it was the best and whether it was the last."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from sentiment import evaluation
from sentiment.errors import StepError
from sentiment.prepared import Prepared
from sentiment.reviews.batch import TRAIN, VALIDATION
from sentiment.settings import TrainSettings
from sentiment.trainer_process import Epoch, Trainer, Verdict

LEAST_BETTER = 0.001  # of the validation loss: less is not worth an epoch


class EarlyStopping:
    """Keeps the epoch of the least validation loss, and stops when `patience` epochs were not better by LEAST_BETTER."""

    def __init__(self, patience: int) -> None:
        self._patience = patience
        self._best = float("inf")
        self._since = 0

    def judge(self, loss: float) -> Verdict:
        better = loss < self._best - LEAST_BETTER
        self._best, self._since = (loss, 0) if better else (self._best, self._since + 1)
        return Verdict(keep=better, stop=self._since >= self._patience)


@dataclass(frozen=True)
class Trained:
    """best: metrics of the epoch whose weights the model has; parameters: how many weights."""

    best_epoch: int
    best: dict[str, float]
    parameters: int

    def summary(self) -> dict[str, float]:
        """What a run logs at its end: `best_epoch`, `weights`, and `best_val_...`."""
        best = {f"best_{name}": value for name, value in self.best.items() if name.startswith("val_")}
        return {"best_epoch": self.best_epoch, "weights": self.parameters} | best


def train(
    trainer: Trainer,
    settings: TrainSettings,
    prepared: Prepared,
    prepared_path: Path,
    model: Path,
    after_epoch: Callable[[int, dict[str, float]], bool],
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Trained:
    """Trains and writes `model`.

    `after_epoch` hears each epoch's number and metrics and says whether to stop; `progress` hears of tokens done and all.

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
                raise _diverged(epoch, settings)
            return Verdict(keep=False, stop=True)
        found = evaluation.measure(labels, np.array(epoch.val_scores))
        metrics = _metrics(epoch) | {"val_loss": found["log_loss"], "val_accuracy": found["accuracy"], "val_auc": found["auc"]}
        verdict = stopping.judge(metrics["val_loss"])
        if verdict.keep:
            best_epoch, best = epoch.epoch, metrics
        ended = after_epoch(epoch.epoch, metrics)
        return Verdict(verdict.keep, verdict.stop or ended)

    built = trainer.train(prepared_path, model, asdict(settings), [TRAIN], judge, progress)
    return Trained(best_epoch, best, built["parameters"])


def train_to_the_end(
    trainer: Trainer,
    settings: TrainSettings,
    prepared_path: Path,
    model: Path,
    after_epoch: Callable[[int, dict[str, float]], bool],
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Trained:
    """Like `train`, but on the training and the validation split, through all the epochs: nothing is left to judge them by."""

    def judge(epoch: Epoch) -> Verdict:
        if not np.isfinite(epoch.train_loss):
            raise _diverged(epoch, settings)
        return Verdict(keep=True, stop=after_epoch(epoch.epoch, _metrics(epoch)))

    built = trainer.train(prepared_path, model, asdict(settings), [TRAIN, VALIDATION], judge, progress)
    return Trained(settings.epochs, {}, built["parameters"])


def _metrics(epoch: Epoch) -> dict[str, float]:
    return {name: value for name, value in asdict(epoch).items() if name not in ("epoch", "val_scores")}


def _diverged(epoch: Epoch, settings: TrainSettings) -> StepError:
    return StepError(f"The training diverged in epoch {epoch.epoch}. Lower learning_rate, which was {settings.learning_rate:g}.")
