"""One training.

A trainer trains the network; this decides after each epoch whether it was the best and whether it was the last, and then fits what
stands beside the network.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from sentiment.errors import StepError, UserError
from sentiment.evaluation.scored import NETWORK, NGRAMS, Scored
from sentiment.preparation.prepared import Prepared
from sentiment.reviews.batch import TRAIN, VALIDATION
from sentiment.settings import NGRAMS_ALONE, TEACHER, TrainSettings
from sentiment.settings import threshold as thresholds
from sentiment.training import assembly, class_weights, defaults, ensemble, model_parts, ngram_regression, teaching
from sentiment.training.assembly import Assembled, assemble
from sentiment.training.ngram_regression import Fitted
from sentiment.training.threshold import Threshold
from sentiment.training.trainer_process import UNSCALED, Epoch, ModelFiles, Trainer, Verdict
from sentiment.training.word_vectors import WordVectors

AfterEpoch = Callable[[int, dict[str, float]], bool]  # gets an epoch's number and metrics, returns whether to give up


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
class _Best:
    """The epoch that is kept, its metrics, the saved network's logits of the validation reviews, and their scale."""

    epoch: int
    metrics: dict[str, float]
    logits: np.ndarray
    scale: tuple[float, float]


class _Epochs:
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
        self.best: _Best | None = None
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
            self.best = _Best(epoch.epoch, metrics, logits, scale)
        self.given_up = self._after_epoch(epoch.epoch, metrics)
        return Verdict(verdict.keep, verdict.stop or self.given_up)


@dataclass(frozen=True)
class Trained:
    """What came of a training.

    Attributes:
        network: The metrics of the kept epoch, as `val_...`.
        summary: What a run logs at its end.
        note: How the logits are combined.
        threshold: From which score on the model's label is positive.
        guessing: The parts whose ranking of the validation reviews chance explains, each with its AUC.
        validation: These reviews as scored by parts that were not fitted on them; None if nothing was written.
    """

    network: dict[str, float]
    summary: dict[str, float]
    note: str
    threshold: Threshold
    guessing: tuple[str, ...] = ()
    validation: Scored | None = None


def train(
    trainer: Trainer,
    settings: TrainSettings,
    data: Prepared,
    model: Path,
    after_epoch: AfterEpoch,
    progress: Callable[[int, int], None] = lambda done, of: None,
    start: Path | WordVectors | None = None,
    ngrams: Fitted | None = None,
    calibrated: bool = False,
) -> Trained:
    """Trains and writes `model`.

    `after_epoch` gets each epoch's number and metrics and returns whether to give up, in which case nothing is written and the summary is
    empty; `progress` gets the tokens done and their number. start: a model whose network it starts from, or vectors of words. Such a
    model is epoch 0: it is kept if no epoch is better.
    ngrams: those that stand beside the network, if they are fitted already; calibrated: whether the network's logit is scaled to the labels
    of the validation reviews, as it has to be if it trains on something else.

    Raises:
        UserError: There is nothing to train.
        TrainerError: The trainer failed.
        StepError: The first epoch gave no numbers. If a later one gives none, the best before it is kept.
    """
    reviews = len(data.rows(TRAIN))
    settings = replace(settings, batch_size=defaults.batch_size(settings, reviews))
    settings = replace(settings, patience=defaults.patience(settings, reviews))
    values = asdict(settings) | {"word_dropout": defaults.word_dropout(settings, data)}
    labels = data.labels[data.rows(VALIDATION)].astype(np.int64)
    words = data.words.take(data.rows(VALIDATION))
    ngrams = ngrams or fit_ngrams(data, settings)
    epochs = _Epochs(settings, labels, class_weights.positive_share(data), calibrated, after_epoch)
    beside_network = model.with_suffix(".parts.unfinished")
    assembled: Assembled | None = None

    def finish() -> ModelFiles | None:
        nonlocal assembled
        if epochs.given_up:
            return None
        parts = {NETWORK: epochs.best.logits} if epochs.best else {}
        parts |= {NGRAMS: ngrams.val_logits} if ngrams else {}
        assembled = assemble(labels, parts, settings.threshold, settings.seed)
        fitted = ngrams.model if ngrams else ngram_regression.NONE
        reference = assembled.reference(words, len(data.encoder.vocabulary))
        threshold = assembled.threshold.value
        model_parts.write(beside_network, data, values, settings.backend, fitted, assembled.combination, reference, threshold)
        return ModelFiles(beside_network, model, epochs.best.scale if epochs.best else UNSCALED)

    try:
        parameters = trainer.train(data, values, epochs.judge, finish, progress, start)
    finally:
        beside_network.unlink(missing_ok=True)
    best = epochs.best
    network = {name: value for name, value in best.metrics.items() if name.startswith("val_")} if best else {}
    if assembled is None:
        return Trained(network, {}, "given up", Threshold(thresholds.DEFAULT))
    summary = assembled.summary() | {"threshold": assembled.threshold.value}
    if best:
        summary |= {"best_epoch": best.epoch, "num_parameters": parameters, "reviews_per_step": settings.batch_size}
    return Trained(network, summary, assembled.note(), assembled.threshold, assembled.guessing(), assembled.scored(words))


def fit_ngrams(data: Prepared, settings: TrainSettings, progress: Callable[[int, int], None] = lambda done, of: None) -> Fitted | None:
    """What stands beside the network, or instead of it; None if nothing does.

    Of n-grams that are in equally many reviews, none is chosen if there is no room for all: `ngrams` of 1 may leave none at all.

    progress: gets the regressions that are done, and their number.

    Raises:
        UserError: There are none, and nothing else to train, or they are to teach the network.
    """
    fitted = ngram_regression.fit(data, settings.ngrams, settings.seed, progress) if settings.ngrams else None
    if fitted and len(fitted.model.ngrams):
        return fitted
    if settings.architecture == NGRAMS_ALONE:
        raise UserError(
            f"There are no n-grams to weigh. Received: architecture={NGRAMS_ALONE}, ngrams={settings.ngrams}. Give more ngrams."
        )
    if settings.pretrain == TEACHER:
        raise teaching.nobody(settings.ngrams)
    return None


def _of_epoch(epoch: Epoch) -> dict[str, float]:
    return {name: value for name, value in asdict(epoch).items() if name not in ("epoch", "val_logits") and value is not None}


def _diverged(epoch: Epoch, settings: TrainSettings) -> StepError:
    return StepError(f"The training diverged in epoch {epoch.epoch}. Lower learning_rate, which was {settings.learning_rate:g}.")
