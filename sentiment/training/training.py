"""One training.

A trainer trains the network, and the epoch that `Epochs` keeps becomes a model with what is fitted beside it.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from sentiment.callbacks import Progress, unseen
from sentiment.errors import UserError
from sentiment.evaluation.scored import NETWORK, NGRAMS, Scored
from sentiment.preparation.prepared import Prepared
from sentiment.reviews.batch import TRAIN, VALIDATION
from sentiment.settings import NGRAMS_ALONE, TEACHER, TrainSettings
from sentiment.settings import threshold as thresholds
from sentiment.training import class_weights, defaults, model_parts, ngram_regression, teaching
from sentiment.training.assembly import Assembled, assemble
from sentiment.training.epochs import AfterEpoch, Epochs, go_on
from sentiment.training.messages import UNSCALED, ModelFiles
from sentiment.training.ngram_regression import Fitted
from sentiment.training.threshold import Threshold
from sentiment.training.trainer_process import Trainer
from sentiment.training.word_vectors import WordVectors


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
    after_epoch: AfterEpoch = go_on,
    progress: Progress = unseen,
    start: Path | WordVectors | None = None,
    ngrams: Fitted | None = None,
    calibrated: bool = False,
) -> Trained:
    """Trains and writes `model`.

    `after_epoch` gets each epoch's number and metrics and returns whether to give up, in which case nothing is written and the summary is
    empty; `progress` gets the tokens done and their number. start: a model whose network it starts from, or vectors of words. Such a
    model is epoch 0: it is kept if no epoch is better.
    ngrams: those that stand beside the network, if they are fitted already; calibrated: whether the network's logit is scaled to the labels
    of the validation reviews, as it has to be if it trains on something else, or starts from what has. Epochs are compared as scaled.

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
    epochs = Epochs(settings, labels, class_weights.positive_share(data), calibrated, after_epoch)
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


def fit_ngrams(data: Prepared, settings: TrainSettings, progress: Progress = unseen) -> Fitted | None:
    """What stands beside the network, or instead of it; None if nothing does.

    Of n-grams that are in equally many reviews, none is chosen if there is no room for all: `ngrams` of 1 may leave none at all.

    progress: gets the parts that are done, and their number.

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
