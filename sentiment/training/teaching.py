"""What the n-grams say of pieces of reviews, for a network to learn before it sees labels."""

from dataclasses import replace

import numpy as np
from scipy.special import expit

from sentiment.callbacks import Progress, unseen
from sentiment.errors import UserError
from sentiment.preparation.prepared import Prepared
from sentiment.ragged import concatenate
from sentiment.reviews.batch import TRAIN, UNLABELLED, VALIDATION
from sentiment.training import pieces
from sentiment.training.ngram_regression import NgramModel


def nobody(ngrams: int) -> UserError:
    """There is nothing that teaches."""
    return UserError(
        f"The n-grams teach, and there are none. Received: pretrain=teacher, ngrams={ngrams}. Give more ngrams, or pretrain=none."
    )


def pseudo_labelled(data: Prepared, teacher: NgramModel, progress: Progress = unseen) -> Prepared:
    """Pieces of the training and the unlabelled reviews, which train, and the validation reviews as they are.

    The labels of the pieces, `<float32>`, are the probabilities that the teacher, fitted on the training reviews alone, gives them.

    progress: gets the pieces that are done, and their number.
    """
    taught, validation = pieces.of_splits(data, TRAIN, UNLABELLED), data.rows(VALIDATION)
    words = concatenate([taught, data.words.take(validation)])
    labels = np.concatenate([expit(teacher.logits(teacher.ngrams.encode(taught, progress))), data.labels[validation]]).astype(np.float32)
    split = np.repeat(np.array([TRAIN, VALIDATION], np.int8), [len(taught), len(validation)])
    return replace(data, tokens=data.encoder.tokens(words), words=words, labels=labels, split=split)
