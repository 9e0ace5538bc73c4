"""What the n-grams say of pieces of reviews, for a network to learn before it sees labels."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.special import expit

from sentiment.errors import UserError
from sentiment.preparation.prepared import Prepared
from sentiment.ragged import concatenate, cut
from sentiment.reviews.batch import TRAIN, UNLABELLED, VALIDATION
from sentiment.training import ngram_regression

PIECE = 50  # words, at most: of each piece the network hears what its words do, where a whole review has but one label


def check(ngrams: int) -> None:
    """Raises UserError if there is nothing that teaches."""
    if not ngrams:
        raise UserError("The n-grams teach, and there are none. Received: pretrain=teacher, ngrams=0. Give more ngrams, or pretrain=none.")


def pseudo_labelled(data: Prepared, ngrams: int, seed: int, progress: Callable[[int, int], None] = lambda done, of: None) -> Prepared:
    """Pieces of the training and the unlabelled reviews, which train, and the validation reviews as they are.

    The labels of the pieces, `<float32>`, are the probabilities that the n-gram model of the training reviews gives them.

    ngrams: at most so many are weighed; progress: gets the regressions on them that are done, and their number.
    """
    teacher = ngram_regression.fit(data, ngrams, seed, progress).train_model
    longest = min(PIECE, data.encoder.settings.max_length - 1)  # so that the network sees all of a piece
    pieces, validation = cut(data.words.take(data.rows(TRAIN, UNLABELLED)), longest), data.rows(VALIDATION)
    words = concatenate([pieces, data.words.take(validation)])
    labels = np.concatenate([expit(teacher.logits(teacher.ngrams.encode(pieces))), data.labels[validation]]).astype(np.float32)
    split = np.repeat(np.array([TRAIN, VALIDATION], np.int8), [len(pieces), len(validation)])
    return replace(data, tokens=data.encoder.tokens(words), words=words, labels=labels, split=split)
