"""Resolves settings that are left to the reviews: `auto`, and a batch size or patience of 0."""

from dataclasses import replace
from typing import TypeVar

from sentiment.preparation.prepared import Prepared
from sentiment.reviews.batch import TRAIN, UNLABELLED
from sentiment.settings import AUTO, NGRAMS_ALONE, NONE, TEACHER, VECTORS, TrainSettings, TuneSettings
from sentiment.settings import word_dropout as word_dropouts

BATCH_SIZES, LEAST_STEPS = (64, 32, 16), 350  # what batch_size=0 chooses from, and how many steps an epoch is to have
LEAST_PATIENCE = 3  # epochs, where patience=0
FEW_EPOCHS = 5  # of a teacher: without dropout these teach more, but a network that is taught for longer errs ever more like its teacher
# Where nothing was dropped, labels only wear down what was taught; with dropout their second epoch may be better than their first.
PATIENCE_AFTER_FEW, PATIENCE_AFTER_MANY = 1, 2
ENOUGH_PIECES, FEWEST_SHOWINGS, MOST_SHOWINGS = 500_000, 2, 20  # that are shown before labels, and how often each, where pretrain_epochs=0
LONG = 100  # words of a review from which on it can spare some, and its pieces say more than the whole; in docs/experiments.md
LONG_DROPOUT = 0.3  # share of them
ENOUGH_WORDS = 1_000_000  # of pretrain=auto: what IMDB's millions teach helps, what MPQA's 26,000 do not; docs/experiments.md

Settings = TypeVar("Settings", bound=TrainSettings)


def resolve(settings: Settings, data: Prepared) -> Settings:
    """The settings without `auto`, as a run logs them."""
    return replace(settings, pretrain=pretrain(settings, data), word_dropout=f"{word_dropout(settings, data):g}")


def batch_size(settings: TrainSettings, reviews: int) -> int:
    """Reviews a step: as the settings say, or else the most that leave LEAST_STEPS an epoch; too few steps teach a network nothing."""
    return settings.batch_size or next((size for size in BATCH_SIZES if reviews >= size * LEAST_STEPS), BATCH_SIZES[-1])


def patience(settings: TrainSettings, reviews: int) -> int:
    """Epochs without a better one before it stops: as the settings say, or else as many as have LEAST_STEPS.

    settings: with their batch size. Of a few hundred reviews an epoch has so few steps that three epochs tell nothing.
    """
    after_teacher = PATIENCE_AFTER_FEW if settings.pretrain_epochs <= FEW_EPOCHS else PATIENCE_AFTER_MANY
    least = after_teacher if settings.pretrain == TEACHER else LEAST_PATIENCE
    return settings.patience or max(least, -(-LEAST_STEPS // -(-reviews // settings.batch_size)))


def word_dropout(settings: TrainSettings, data: Prepared) -> float:
    """Share of the words that are taken for unknown: as the settings say, or else as reviews of that length can spare."""
    share = word_dropouts.parse(settings.word_dropout)
    if share is not None:
        return share
    return LONG_DROPOUT if _are_long(data) else 0.0


def pretrain(settings: TrainSettings, data: Prepared) -> str:
    """What comes before the labels: as the settings say, or else what suits the reviews; none where something else starts the network.

    A search has no teacher, which would have to teach each of its networks.
    """
    if settings.pretrain != AUTO:
        return settings.pretrain
    starts_otherwise = (settings.start_from, settings.word_vectors) != (NONE, NONE)
    few_words = data.words.lengths[data.rows(TRAIN, UNLABELLED)].sum() < ENOUGH_WORDS
    if starts_otherwise or few_words or settings.architecture == NGRAMS_ALONE:
        return NONE
    return TEACHER if settings.ngrams and _are_long(data) and not isinstance(settings, TuneSettings) else VECTORS


def pretrain_epochs(settings: TrainSettings, pieces: int) -> int:
    """Passes over the pieces of reviews: as the settings say, or else as many as show ENOUGH_PIECES."""
    return settings.pretrain_epochs or min(max(-(-ENOUGH_PIECES // pieces), FEWEST_SHOWINGS), MOST_SHOWINGS)


def _are_long(data: Prepared) -> bool:
    return bool(data.words.lengths[data.rows(TRAIN)].mean() >= LONG)
