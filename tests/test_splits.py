"""Samples and splits."""

import numpy as np
import pytest

from sentiment import splits
from sentiment.reviews.batch import TEST, TRAIN, VALIDATION

LABELS = np.array([0] * 60 + [1] * 140)
FREE = np.full(200, TRAIN)
NONE = np.zeros(200, int)


def test_splits_are_stratified_and_repeatable() -> None:
    texts = np.arange(200)
    first = splits.assign(LABELS, FREE, texts, NONE, 0.1, 0.2, seed=3)
    assert (first == splits.assign(LABELS, FREE, texts, NONE, 0.1, 0.2, seed=3)).all()
    assert (first != splits.assign(LABELS, FREE, texts, NONE, 0.1, 0.2, seed=4)).any()
    counts = {split: np.bincount(LABELS[first == split]).tolist() for split in (TRAIN, VALIDATION, TEST)}
    assert counts == {TEST: [12, 28], VALIDATION: [5, 11], TRAIN: [43, 101]}


@pytest.mark.parametrize("seed", range(20))
def test_a_text_is_in_one_split_only(seed: int) -> None:
    texts = np.random.default_rng(seed).integers(0, 80, 200)
    given = np.random.default_rng(seed + 100).choice([TRAIN, TEST, VALIDATION], 200)
    for case in (FREE, given, np.where(given == VALIDATION, TRAIN, given), np.where(given == TEST, TRAIN, given)):
        split = splits.assign(LABELS, case, texts, NONE, 0.1, 0.2, seed)
        kept = split != splits.LEFT_OUT
        places = {text: set(split[kept & (texts == text)].tolist()) for text in set(texts[kept].tolist())}
        assert all(len(place) == 1 for place in places.values())
        assert (split[case == TEST] == TEST).all()
        if (case == TEST).any():
            assert not (split[case != TEST] == TEST).any()


def test_groups_are_drawn_whole_if_there_are_enough() -> None:
    labels, given = np.repeat([0, 1], 600), np.full(1200, TRAIN)
    for size, whole in ((20, True), (100, False)):
        groups = np.arange(1200) % 600 // size + 1
        split = splits.assign(labels, given, np.arange(1200), groups, 0.1, 0, seed=1)
        assert (split == VALIDATION).sum() == 120
        places = [set(split[(groups == group) & (labels == label)].tolist()) for group in set(groups.tolist()) for label in (0, 1)]
        assert all(len(place) == 1 for place in places) == whole


def test_a_sample_has_the_shares_of_the_whole() -> None:
    given = np.where(np.arange(200) % 4 == 0, TEST, TRAIN)
    rows = splits.sample(LABELS, given, 40, seed=1)
    assert len(rows) == len(set(rows.tolist())) == 40
    assert LABELS[rows].sum() == 28
    assert (given[rows] == TEST).sum() == 10
    assert splits.sample(LABELS, given, 0, 1).tolist() == list(range(200))
    assert splits.sample(LABELS, given, 500, 1).tolist() == list(range(200))
