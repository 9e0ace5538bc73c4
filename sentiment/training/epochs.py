"""The epochs of a training: which of them is kept, and which is the last."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from sentiment.errors import StepError
from sentiment.settings import TrainSettings
from sentiment.training import assembly, class_weights, ensemble
from sentiment.training.messages import UNSCALED, Epoch, Verdict

AfterEpoch = Callable[[int, dict[str, float]], bool]  # gets an epoch's number and metrics, returns whether to give up


def go_on(epoch: int, metrics: dict[str, float]) -> bool:
    """Never gives up."""
    return False


class EarlyStopping:
    """Keeps the epoch of the least validation loss, and stops when `patience` epochs were not better."""

    def __init__(self, patience: int) -> None:
        self._patience = patience
        self._best = float("inf")
        self._since = 0

    def judge(self, loss: float) -> Verdict:
        better = loss < self._best
        self._best, self._since = (loss, 0) if better else (self._best, self._since + 1)
        return Verdict(keep=better, stop=self._since >= self._patience)


@dataclass
class Best:
    """The epoch that is kept, its metrics, the saved network's logits of the validation reviews, and their scale."""

    epoch: int
    metrics: dict[str, float]
    logits: np.ndarray
    scale: tuple[float, float]


class Epochs:
    """Judges the epochs of a training as they come, and has the best of them.

    positive_share: of the training reviews. An epoch's metrics are, as its loss, of reviews that are weighted by it. calibrated: whether
    the logits of an epoch are first brought to the scale of the validation reviews.
    """

    def __init__(
        self, settings: TrainSettings, labels: np.ndarray, positive_share: float, calibrated: bool, after_epoch: AfterEpoch
    ) -> None:
        self._settings, self._labels, self._calibrated, self._after_epoch = settings, labels, calibrated, after_epoch
        self._weights = class_weights.weights(labels, positive_share)
        self._prior_logit = class_weights.prior_logit(positive_share)
        self._stopping = EarlyStopping(settings.patience)
        self.best: Best | None = None
        self.given_up = False

    def judge(self, epoch: Epoch) -> Verdict:
        """Raises StepError if the first epoch gave no numbers, or the model that it starts from."""
        of_epoch, logits = _of_epoch(epoch), np.array(epoch.val_logits) + self._prior_logit
        if not np.isfinite([*of_epoch.values(), *logits]).all():
            if not self.best:
                raise _diverged(epoch, self._settings)
            return Verdict(keep=False, stop=True)
        scale = UNSCALED
        if self._calibrated:
            fitted = ensemble.fit(logits[:, None], self._labels)
            logits, scale = fitted.apply(logits[:, None]), (float(fitted.weights[0]), fitted.intercept)
        metrics = assembly.measure("val", self._labels, logits - self._prior_logit, weights=self._weights) | of_epoch
        verdict = self._stopping.judge(metrics["val_loss"])
        if verdict.keep:
            self.best = Best(epoch.epoch, metrics, logits, scale)
        self.given_up = self._after_epoch(epoch.epoch, metrics)
        return Verdict(verdict.keep, verdict.stop or self.given_up)


def _of_epoch(epoch: Epoch) -> dict[str, float]:
    return {name: value for name, value in asdict(epoch).items() if name not in ("epoch", "val_logits") and value is not None}


def _diverged(epoch: Epoch, settings: TrainSettings) -> StepError:
    return StepError(f"The training diverged in epoch {epoch.epoch}. Lower learning_rate, which was {settings.learning_rate:g}.")
