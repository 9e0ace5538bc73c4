"""One training: a trainer trains the network, this decides after each epoch whether it was the best and whether it was the last, and
then fits what stands beside the network.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from scipy.special import expit

from sentiment.errors import StepError, UserError
from sentiment.evaluation import metrics
from sentiment.evaluation.paired import right
from sentiment.evaluation.scored import MODEL, Scored
from sentiment.model import reference
from sentiment.model.reference import Reference
from sentiment.preparation.prepared import Prepared
from sentiment.reviews.batch import TRAIN, VALIDATION
from sentiment.settings import NGRAMS_ALONE, TrainSettings
from sentiment.settings import threshold as thresholds
from sentiment.training import ensemble, model_parts, ngram_regression
from sentiment.training.ensemble import Combination
from sentiment.training.ngram_regression import Fitted
from sentiment.training.threshold import Threshold, choose
from sentiment.training.trainer_process import Epoch, ModelFiles, Trainer, Verdict
from sentiment.training.word_vectors import WordVectors

EVERY_EPOCH = ("accuracy", "auc", "log_loss")  # what is measured of the network on the validation reviews
AT_END = (*EVERY_EPOCH, "brier", "ece")  # and of it, the n-grams and the model
BATCH_SIZES, LEAST_STEPS = (64, 32, 16), 350  # what batch_size=0 chooses from, and how many steps an epoch is to have


def batch_size(settings: TrainSettings, reviews: int) -> int:
    """Reviews a step: as the settings say, or else the most that leave LEAST_STEPS an epoch; too few steps teach a network nothing."""
    return settings.batch_size or next((size for size in BATCH_SIZES if reviews >= size * LEAST_STEPS), BATCH_SIZES[-1])


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
    """The epoch that is kept, the network's metrics in it, and its logits of the validation reviews."""

    epoch: int
    metrics: dict[str, float]
    logits: np.ndarray


@dataclass(frozen=True)
class Trained:
    """network: the metrics of the kept epoch, as `val_...`; summary: what a run logs at its end; note: how the logits are combined;
    threshold: from which score on the model's label is positive; guessing: the parts whose ranking of the validation reviews chance
    explains, each with its AUC; validation: these reviews as scored by
    parts that were not fitted on them; None if nothing was written.
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
    after_epoch: Callable[[int, dict[str, float]], bool],
    progress: Callable[[int, int], None] = lambda done, of: None,
    start: Path | WordVectors | None = None,
    ngram_progress: Callable[[int, int], None] = lambda done, of: None,
) -> Trained:
    """Trains and writes `model`.

    `after_epoch` gets each epoch's number and metrics and says whether to give up, in which case nothing is written and the summary is
    empty; `progress` gets the tokens done and their number. start: a model whose network it starts from, or vectors of words.
    ngram_progress: gets the regressions on n-grams that are done, and their number.

    Raises:
        UserError: There is nothing to train.
        TrainerError: The trainer failed.
        StepError: The first epoch gave no numbers. If a later one gives none, the best before it is kept.
    """
    settings = replace(settings, batch_size=batch_size(settings, len(data.rows(TRAIN))))
    labels = data.labels[data.rows(VALIDATION)].astype(np.int64)
    stopping = EarlyStopping(settings.patience)
    best = _Best(0, {}, np.empty(0))
    given_up = False
    ngrams = _fit_ngrams(data, settings, ngram_progress)

    def judge(epoch: Epoch) -> Verdict:
        nonlocal best, given_up
        logits = np.array(epoch.val_logits)
        if not np.isfinite([epoch.train_loss, *logits]).all():
            if not best.epoch:
                raise _diverged(epoch, settings)
            return Verdict(keep=False, stop=True)
        metrics = _measure("val", labels, logits) | _of_epoch(epoch)
        verdict = stopping.judge(metrics["val_loss"])
        if verdict.keep:
            best = _Best(epoch.epoch, metrics, logits)
        given_up = after_epoch(epoch.epoch, metrics)
        return Verdict(verdict.keep, verdict.stop or given_up)

    combination: Combination | None = None
    logits: dict[str, np.ndarray] = {}
    threshold = Threshold(thresholds.DEFAULT)
    parts = model.with_suffix(".parts.unfinished")

    def finish() -> ModelFiles | None:
        nonlocal combination, logits, threshold
        if given_up:
            return None
        logits = {"network": best.logits} if best.epoch else {}
        logits |= {"ngrams": ngrams.val_logits} if ngrams else {}
        if len(logits) > 1:
            columns = np.column_stack(list(logits.values()))
            combination = ensemble.fit(columns, labels)
            logits["model"] = ensemble.cross_fitted(columns, labels, settings.seed)
        *_, of_model = logits.values()
        threshold = choose(thresholds.parse(settings.threshold), labels, expit(of_model))
        beside = ngrams.model if ngrams else ngram_regression.NONE
        validated = _reference(data, labels, of_model, threshold.value)
        model_parts.write(parts, data, asdict(settings), settings.backend, beside, combination, validated, threshold.value)
        return ModelFiles(parts, model)

    try:
        parameters = trainer.train(data, asdict(settings), judge, finish, progress, start)
    finally:
        parts.unlink(missing_ok=True)
    network = {name: value for name, value in best.metrics.items() if name.startswith("val_")}
    if given_up:
        return Trained(network, {}, "given up", threshold)
    summary, note = _combined(logits, combination, labels, threshold.value)
    summary["threshold"] = threshold.value
    if best.epoch:
        summary |= {"best_epoch": best.epoch, "num_parameters": parameters, "reviews_per_step": settings.batch_size}
    return Trained(network, summary, note, threshold, _guessing(logits, labels), _scored(data, labels, logits, threshold.value))


def _fit_ngrams(data: Prepared, settings: TrainSettings, progress: Callable[[int, int], None]) -> Fitted | None:
    """Of n-grams that are in equally many reviews, none is chosen if there is no room for all: `ngrams` of 1 may leave none at all."""
    fitted = ngram_regression.fit(data, settings.ngrams, settings.seed, progress) if settings.ngrams else None
    if fitted and len(fitted.model.ngrams):
        return fitted
    if settings.architecture == NGRAMS_ALONE:
        raise UserError(
            f"There are no n-grams to weigh. Received: architecture={NGRAMS_ALONE}, ngrams={settings.ngrams}. Give more ngrams."
        )
    return None


def _reference(data: Prepared, labels: np.ndarray, logits: np.ndarray, threshold: float) -> Reference:
    """Of the validation reviews, by logits of parts that were not fitted on them: later texts were not either."""
    scores = np.asarray(expit(logits))
    words = reference.of_words(data.words.take(data.rows(VALIDATION)), len(data.encoder.vocabulary))
    return reference.summarize(words | {"scores": scores}, right(labels, scores, threshold))


def _combined(
    logits: dict[str, np.ndarray], combination: Combination | None, labels: np.ndarray, threshold: float
) -> tuple[dict[str, float], str]:
    """Metrics of the network, the n-grams and the model on the validation reviews, the weights of the two; and how these came about.

    The threshold is the model's; its parts by themselves have the default.
    """
    parts = {part: each for part, each in logits.items() if part != "model"}
    found = {name: value for part, each in parts.items() for name, value in _measure(f"{part}_val", labels, each, AT_END).items()}
    *_, of_model = logits.values()
    found |= _measure("model_val", labels, of_model, AT_END, threshold)
    if combination is None:
        (part,) = parts
        weights = {f"{name}_weight": float(name == part) for name in ("network", "ngrams")}
        return found | weights, f"the {part} alone"
    network, ngrams = (float(weight) for weight in combination.weights)
    note = f"{network:.2f} of the network's logit and {ngrams:.2f} of the n-grams', learned from {combination.reviews:,} validation reviews"
    if combination.reviews < ensemble.FEW:
        note += ", which are few: held near equal shares"
    return found | {"network_weight": network, "ngrams_weight": ngrams}, note


def _guessing(logits: dict[str, np.ndarray], labels: np.ndarray) -> tuple[str, ...]:
    ranked = {part: metrics.ranking(labels, each) for part, each in logits.items()}
    return tuple(f"{part} {auc:.4f} (p = {p:.2g})" for part, (auc, p) in ranked.items() if p >= metrics.SIGNIFICANCE and auc < 1)


def _scored(data: Prepared, labels: np.ndarray, logits: dict[str, np.ndarray], threshold: float) -> Scored:
    parts = {part: np.asarray(expit(each)) for part, each in logits.items()}
    return Scored(
        "validation", labels, data.words.take(data.rows(VALIDATION)).lengths, {MODEL: next(iter(parts.values()))} | parts, threshold
    )


def _measure(
    prefix: str, labels: np.ndarray, logits: np.ndarray, names: tuple[str, ...] = EVERY_EPOCH, threshold: float = thresholds.DEFAULT
) -> dict[str, float]:
    measured = metrics.measure(labels, expit(logits), threshold)
    return {f"{prefix}_{name.removeprefix('log_')}": measured[name] for name in names}


def _of_epoch(epoch: Epoch) -> dict[str, float]:
    return {name: value for name, value in asdict(epoch).items() if name not in ("epoch", "val_logits")}


def _diverged(epoch: Epoch, settings: TrainSettings) -> StepError:
    return StepError(f"The training diverged in epoch {epoch.epoch}. Lower learning_rate, which was {settings.learning_rate:g}.")
