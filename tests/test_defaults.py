"""What settings that leave a choice to the reviews come to."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sentiment.preparation import prepared
from sentiment.preparation.prepared import Prepared
from sentiment.ragged import from_lengths
from sentiment.settings import TrainSettings
from sentiment.training import defaults


@pytest.fixture(scope="module")
def data(small: Path) -> Prepared:
    return prepared.read(small)


@pytest.mark.parametrize(("text", "words", "share"), [("auto", 99, 0), ("auto", 100, 0.3), ("0", 100, 0), ("0.5", 3, 0.5)])
def test_long_reviews_are_spared_words_by_default(data: Prepared, text: str, words: int, share: float) -> None:
    rows = len(data.labels)
    long = replace(data, words=from_lengths(np.ones(rows * words, np.int32), np.full(rows, words)))
    assert defaults.word_dropout(TrainSettings(word_dropout=text), long) == share


@pytest.mark.parametrize(("pieces", "asked", "epochs"), [(10, 0, 20), (132_000, 0, 4), (426_000, 0, 2), (10**6, 0, 2), (10**6, 9, 9)])
def test_a_teacher_shows_half_a_million_pieces(pieces: int, asked: int, epochs: int) -> None:
    assert defaults.pretrain_epochs(TrainSettings(pretrain_epochs=asked), pieces) == epochs


@pytest.mark.parametrize(("reviews", "size"), [(10, 16), (11_199, 16), (11_200, 32), (22_399, 32), (22_400, 64), (10**6, 64)])
def test_few_reviews_go_in_small_batches(reviews: int, size: int) -> None:
    assert defaults.batch_size(TrainSettings(), reviews) == size
    assert defaults.batch_size(TrainSettings(batch_size=7), reviews) == 7


@pytest.mark.parametrize(("reviews", "epochs"), [(10, 350), (320, 18), (1_000, 6), (1_900, 3), (10**6, 3)])
def test_a_training_on_few_reviews_is_given_more_epochs(reviews: int, epochs: int) -> None:
    assert defaults.patience(TrainSettings(batch_size=16), reviews) == epochs
    assert defaults.patience(TrainSettings(batch_size=16, patience=2), reviews) == 2
    for taught, least in ((0, 1), (5, 1), (6, 2)):
        settings = TrainSettings(batch_size=16, pretrain="teacher", pretrain_epochs=taught)
        assert defaults.patience(settings, reviews) == (least if reviews == 10**6 else epochs)
