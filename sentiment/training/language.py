"""What a language model learns from."""

from dataclasses import replace

import numpy as np

from sentiment.preparation.prepared import Prepared
from sentiment.ragged import concatenate, cut
from sentiment.reviews.batch import TRAIN, UNLABELLED, VALIDATION
from sentiment.training.teaching import PIECE


def pieces(data: Prepared) -> Prepared:
    """Pieces of the training and the unlabelled reviews, which train, and of the validation reviews; their labels are of no account."""
    longest = min(PIECE, data.encoder.settings.max_length - 1)
    of_split = [cut(data.words.take(data.rows(*splits)), longest) for splits in ((TRAIN, UNLABELLED), (VALIDATION,))]
    words = concatenate(of_split)
    split = np.repeat(np.array([TRAIN, VALIDATION], np.int8), list(map(len, of_split)))
    return replace(data, tokens=data.encoder.tokens(words), words=words, labels=np.zeros(len(words), np.int8), split=split)
