"""What a network learns before it sees labels: vectors of words; of pieces of reviews, what the n-grams say, or which word comes next."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from sentiment.callbacks import Progress, unseen
from sentiment.errors import StepError, UserError
from sentiment.preparation.prepared import Prepared
from sentiment.reviews.batch import TRAIN, UNLABELLED
from sentiment.settings import LANGUAGE_MODEL, VECTORS, TrainSettings
from sentiment.training import defaults, learned_vectors, training
from sentiment.training.epochs import AfterEpoch, go_on
from sentiment.training.messages import LanguageEpoch
from sentiment.training.trainer_process import Trainer
from sentiment.training.training import Trained
from sentiment.training.word_vectors import WordVectors


def learn_vectors(data: Prepared, settings: TrainSettings, progress: Progress = unseen) -> WordVectors:
    """Vectors of the words of the training and the unlabelled reviews. progress: gets the parts that are done, and their number."""
    texts = data.words.take(data.rows(TRAIN, UNLABELLED))
    return learned_vectors.learn(texts, len(data.encoder.vocabulary), settings.embedding_size, settings.seed, progress)


def learn_language(
    trainer: Trainer,
    data: Prepared,
    pieces: Prepared,
    settings: TrainSettings,
    vectors: WordVectors,
    after_epoch: Callable[[LanguageEpoch], None] = lambda epoch: None,
    progress: Progress = unseen,
) -> WordVectors:
    """Vectors of words, and LSTMs, that have learned to tell next words in pieces of the training and the unlabelled reviews.

    A step has as many words as one of whole reviews. Nothing is dropped: of words to tell there are too many to learn by heart.

    pieces: what `language.unlabelled_pieces` makes of the data; vectors: what the words begin with; progress: gets the tokens of an epoch
    that are done, and their number.

    Raises:
        UserError: No word has a token id.
        TrainerError: The trainer failed.
        StepError: An epoch gave no numbers.
    """
    if not data.encoder.vocabulary:
        raise UserError(f"There is no word to tell. Received: pretrain={LANGUAGE_MODEL}, a vocabulary of none. Give more reviews.")
    changed = replace(_over_pieces(settings, data, pieces), dropout=0.0)

    def judge(epoch: LanguageEpoch) -> None:
        if not np.isfinite([epoch.train_loss, epoch.val_loss]).all():
            raise StepError(
                f"A language model's epoch {epoch.epoch} gave no numbers. Give less learning_rate than {settings.learning_rate:g}."
            )
        after_epoch(epoch)

    return trainer.learn_language(pieces, asdict(changed), vectors, judge, progress)


def teach(
    trainer: Trainer,
    data: Prepared,
    taught: Prepared,
    settings: TrainSettings,
    vectors: WordVectors,
    path: Path,
    after_epoch: AfterEpoch = go_on,
    progress: Progress = unseen,
) -> Trained:
    """Writes a model that has learned what the n-grams say of pieces of reviews; its logit is scaled to whole ones.

    A step has as many words as one of whole reviews. In few epochs nothing is dropped: of probabilities there is less to learn by heart.

    taught: what `teaching.pseudo_labelled` makes of the data; vectors: what its words begin with; progress: gets the tokens of an epoch
    that are done, and their number.

    Raises:
        TrainerError, StepError: As `training.train`.
    """
    teaching = replace(_over_pieces(settings, data, taught), pretrain=VECTORS, ngrams=0, patience=0)
    if teaching.epochs <= defaults.FEW_EPOCHS:
        teaching = replace(teaching, dropout=0.0, word_dropout="0")
    return training.train(trainer, teaching, taught, path, after_epoch, progress, vectors, calibrated=True)


def _over_pieces(settings: TrainSettings, data: Prepared, pieces: Prepared) -> TrainSettings:
    """Of a training on pieces of the reviews: a step has as many words as one of whole reviews."""
    reviews, count = len(data.rows(TRAIN, UNLABELLED)), len(pieces.rows(TRAIN))
    batch_size = defaults.batch_size(settings, reviews) * count // reviews
    return replace(settings, batch_size=batch_size, epochs=defaults.pretrain_epochs(settings, count))
