"""What a network learns before it sees labels: vectors of words, and what the n-grams say of reviews without labels."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sentiment.preparation.prepared import Prepared
from sentiment.reviews.batch import TRAIN, UNLABELLED
from sentiment.settings import AUTO, NGRAMS_ALONE, NONE, TEACHER, VECTORS, TrainSettings
from sentiment.training import learned_vectors, teaching, training
from sentiment.training.trainer_process import Trainer
from sentiment.training.training import AfterEpoch, Trained
from sentiment.training.word_vectors import WordVectors

ENOUGH_WORDS = 1_000_000  # of pretrain=auto: vectors of IMDB's millions help, those of MPQA's 26,000 do not; docs/experiments.md

Progress = Callable[[int, int], None]


def nothing(done: int, of: int) -> None:
    """For progress that is not shown."""


def choose(settings: TrainSettings, data: Prepared) -> str:
    """What `settings.pretrain` comes to: vectors or none in place of auto, none where something else starts the network."""
    if settings.pretrain != AUTO:
        return settings.pretrain
    starts_otherwise = (settings.start_from, settings.word_vectors) != (NONE, NONE)
    if starts_otherwise or settings.architecture == NGRAMS_ALONE:
        return NONE
    return VECTORS if data.words.lengths[data.rows(TRAIN, UNLABELLED)].sum() >= ENOUGH_WORDS else NONE


def learn_vectors(data: Prepared, settings: TrainSettings, progress: Progress = nothing) -> WordVectors:
    """Vectors of the words of the training and the unlabelled reviews. progress: gets the parts that are done, and their number."""
    texts = data.words.take(data.rows(TRAIN, UNLABELLED))
    return learned_vectors.learn(texts, len(data.encoder.vocabulary), settings.embedding_size, settings.seed, progress)


def teach(
    trainer: Trainer, data: Prepared, settings: TrainSettings, path: Path, after_epoch: AfterEpoch, progress: Progress = nothing
) -> Trained:
    """Writes a model that has learned from the unlabelled reviews what the n-grams say of them; it began with `learn_vectors`.

    progress: gets the tokens of an epoch that are done, and their number.

    Raises:
        TrainerError, StepError: As `training.train`.
    """
    taught, alone = teaching.taught(data, settings.ngrams, settings.seed), replace(settings, ngrams=0)
    return training.train(trainer, alone, taught, path, after_epoch, progress, learn_vectors(data, settings))


def start(trainer: Trainer, data: Prepared, settings: TrainSettings, path: Path) -> Path | WordVectors | None:
    """What the settings have a training start from, learned anew, without a run of its own. path: where a model goes, if that is it."""
    kind = choose(settings, data)
    if kind == VECTORS:
        return learn_vectors(data, settings)
    if kind == TEACHER:
        teach(trainer, data, settings, path, lambda epoch, metrics: False)
        return path
    return None
