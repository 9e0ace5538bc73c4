"""What a language model learns from."""

from dataclasses import replace

import numpy as np

from sentiment.preparation.prepared import Prepared
from sentiment.ragged import concatenate
from sentiment.reviews.batch import TRAIN, UNLABELLED, VALIDATION
from sentiment.training import pieces


def unlabelled_pieces(data: Prepared) -> Prepared:
    """Pieces of the training and the unlabelled reviews, which train, and of the validation reviews; their labels are of no account."""
    of_split = [pieces.of_splits(data, TRAIN, UNLABELLED), pieces.of_splits(data, VALIDATION)]
    words = concatenate(of_split)
    split = np.repeat(np.array([TRAIN, VALIDATION], np.int8), list(map(len, of_split)))
    return replace(data, tokens=data.encoder.tokens(words), words=words, labels=np.zeros(len(words), np.int8), split=split)
