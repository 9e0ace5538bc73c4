"""What the n-grams say of reviews without labels, for a network to learn before it sees labels."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.special import expit

from sentiment.errors import UserError
from sentiment.preparation.prepared import Prepared
from sentiment.reviews.batch import TRAIN, UNLABELLED, VALIDATION
from sentiment.training import ngram_regression

LEFT_OUT = -2  # of no split that training looks at


def check(data: Prepared, ngrams: int) -> None:
    """Raises UserError if there is nothing to teach by, or nothing that teaches."""
    if not len(data.rows(UNLABELLED)):
        raise UserError(
            "There is no review without a label to be taught by. Received: pretrain=teacher. Prepare reviews of which some have none, "
            "such as reviews=imdb, or say pretrain=none."
        )
    if not ngrams:
        raise UserError("The n-grams teach, and there are none. Received: pretrain=teacher, ngrams=0. Give more ngrams, or pretrain=none.")


def pseudo_labelled(data: Prepared, ngrams: int, seed: int, progress: Callable[[int, int], None] = lambda done, of: None) -> Prepared:
    """The same reviews, of which the unlabelled ones train.

    Their labels, `<float32>`, are the probabilities that the n-gram model of the training reviews gives them.

    ngrams: at most so many are weighed; progress: gets the regressions on them that are done, and their number.
    """
    rows = data.rows(UNLABELLED)
    teacher = ngram_regression.fit(data, ngrams, seed, progress).train_model
    labels, split = data.labels.astype(np.float32), np.full_like(data.split, LEFT_OUT)
    labels[rows] = expit(teacher.logits(teacher.ngrams.encode(data.words.take(rows))))
    split[rows], split[data.rows(VALIDATION)] = TRAIN, VALIDATION
    return replace(data, labels=labels, split=split)
