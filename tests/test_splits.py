"""Samples and splits."""

import numpy as np
import pytest

from sentiment.errors import UserError
from sentiment.preparation import splits
from sentiment.reviews import find_source
from sentiment.reviews.batch import TEST, TRAIN, UNLABELLED, VALIDATION
from sentiment.settings import PrepareSettings
from tests.conftest import SHARED_DATA

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


@pytest.mark.parametrize(("rare", "counts"), [(10, [5, 2, 3]), (4, [2, 1, 1]), (3, [1, 1, 1])])
def test_a_split_that_measures_has_several_reviews_of_a_rare_label(rare: int, counts: list[int]) -> None:
    labels = np.array([0] * rare + [1] * 190)
    split = splits.assign(labels, np.full(len(labels), TRAIN), np.arange(len(labels)), np.zeros(len(labels), int), 0.1, 0.2, seed=1)
    assert [int((split[labels == 0] == name).sum()) for name in (TRAIN, VALIDATION, TEST)] == counts


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


def films(seed: int, reviews: int = 2000, count: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Labels and groups of some reviews: films of many sizes, some liked more than others; a tenth of the reviews without a film."""
    random = np.random.default_rng(seed)
    groups = np.minimum(random.geometric(3 / count, reviews), count) * (random.random(reviews) > 0.1)
    return (random.random(reviews) < random.random(count + 1)[groups]).astype(int), groups


def assert_apart(numbers: np.ndarray, split: np.ndarray, ours: np.ndarray) -> None:
    """What has a number (from 1) is in one split, or left out."""
    for rows in (ours & (numbers == number) & (split != splits.LEFT_OUT) for number in np.unique(numbers[numbers > 0])):
        assert len(set(split[rows].tolist())) <= 1


@pytest.mark.parametrize("seed", range(5))
def test_whole_groups_of_both_labels_are_held_out(seed: int) -> None:
    labels, groups = films(seed)
    texts, given = np.arange(2000), np.full(2000, TRAIN)
    texts[1000:1040] = np.arange(40)  # in other films, some of them
    split = splits.assign(labels, given, texts, groups, 0.1, 0.2, seed)
    assert_apart(groups, split, split >= 0)
    assert_apart(texts + 1, split, split >= 0)
    assert not (split == splits.LEFT_OUT).any()  # films with a text in common went together
    for label in (0, 1):
        test, validation = ((split[labels == label] == which).mean() for which in (TEST, VALIDATION))
        assert test == pytest.approx(0.2, abs=0.02)
        assert validation == pytest.approx(0.08, abs=0.02)
    assert (split == splits.assign(labels, given, texts, groups, 0.1, 0.2, seed)).all()
    assert (split != splits.assign(labels, given, texts, groups, 0.1, 0.2, seed + 1)).any()
    held_out, count = (len(set(groups[rows & (groups > 0)].tolist())) for rows in (split != TRAIN, split >= TRAIN))
    alone = (groups == 0).sum()
    assert splits.how(given, groups, split) == (
        f"whole groups for validation and test ({held_out} of {count}); {alone} reviews have no group"
    )


def test_unlabelled_reviews_of_what_is_held_out_are_left_out() -> None:
    labels, groups = films(1)
    texts, given = np.arange(2000), np.full(2000, TRAIN)
    labels[1500:], given[1500:] = -1, UNLABELLED
    groups[1500:1700] = 0
    texts[1500:1600] = np.arange(100)  # without a film, and with the text of a labelled review
    split = splits.assign(labels, given, texts, groups, 0.1, 0.2, seed=1)
    measures = (split == TEST) | (split == VALIDATION)
    expected = np.isin(groups, groups[measures & (groups > 0)]) | np.isin(texts, texts[measures])
    assert 50 < expected[1500:].sum() < 450
    assert (split[1500:] == np.where(expected[1500:], splits.LEFT_OUT, UNLABELLED)).all()
    assert (split[:1500] >= 0).all()


def test_a_text_that_many_groups_have_does_not_hold_them_together() -> None:
    labels, groups = films(1)
    texts = np.where(np.arange(2000) % 4 == 0, 0, np.arange(2000))
    split = splits.assign(labels, np.full(2000, TRAIN), texts, groups, 0.1, 0, seed=1)
    assert_apart(groups, split, split >= 0)
    assert_apart(texts + 1, split, split >= 0)
    assert (split == VALIDATION).mean() == pytest.approx(0.1, abs=0.02)
    assert (texts[split == splits.LEFT_OUT] == 0).all()


def test_groups_that_the_file_measures_by_stay() -> None:
    labels, groups = films(1)
    given = np.where((np.arange(2000) % 2 == 0) & (groups < 20), TEST, TRAIN)
    split = splits.assign(labels, given, np.arange(2000), groups, 0.1, 0.2, seed=1)
    assert (split[given == TEST] == TEST).all()
    assert (split[(given == TRAIN) & (groups > 0) & (groups < 20)] == TRAIN).all()
    assert (split == VALIDATION).sum() == pytest.approx(0.1 * (given == TRAIN).sum(), rel=0.1)
    assert_apart(np.where(groups < 20, 0, groups), split, split >= 0)
    assert splits.how(given, groups, split).endswith("; the file has 19 groups for training and for measuring")


def test_how_splits_were_chosen_is_told() -> None:
    split = splits.assign(LABELS, FREE, np.arange(200), NONE, 0.1, 0, seed=1)
    assert splits.how(FREE, NONE, split) == "single reviews for validation; reviews of one film or product may be in training too"
    assert splits.how(split, NONE, split) == "the file's own split"


@pytest.mark.parametrize("groups", [np.ones(200, int), np.arange(200) % 3 + 1, np.where(LABELS == 0, 1, np.arange(200) + 2)])
def test_too_few_groups_are_refused(groups: np.ndarray) -> None:
    with pytest.raises(UserError, match=r"Whole groups don't make up the validation split. Received: .* groups in 200") as caught:
        splits.assign(LABELS, FREE, np.arange(200), groups, 0.1, 0, seed=1)
    assert "\n" not in str(caught.value)


def test_groups_are_numbered_by_their_real_names() -> None:
    assert splits.number_groups(["a/1", "", "a/2", "b/1", "c"], {"a/1": "film", "b/1": "film", "a/2": ""}).tolist() == [1, 0, 0, 1, 2]


def test_the_films_of_imdb() -> None:
    path = SHARED_DATA / "aclImdb_v1.tar.gz"
    if not path.exists():
        pytest.skip(f"no {path}: the films of IMDB are not tested")
    labels, given, texts, groups = [], [], [], []
    known: dict[str, int] = {}
    names: dict[str, str] = {}
    for batch in find_source(PrepareSettings(reviews=str(path))).read(lambda size: None):
        labels += batch.labels
        given += batch.splits
        texts += [known.setdefault(text, len(known)) for text in batch.texts]
        groups += batch.groups
        names |= batch.group_names
    label, begins, text, film = np.array(labels), np.array(given), np.array(texts), splits.number_groups(groups, names)
    negative, positive = (set(film[(begins == TRAIN) & (label == which)].tolist()) for which in (0, 1))
    assert (len(negative), len(positive), len(negative & positive)) == (2957, 1390, 891)
    split = splits.assign(label, begins, text, film, 0.1, 0.2, seed=1)
    held_out, rest = (set(film[np.isin(split, which) & (film > 0)].tolist()) for which in (VALIDATION, (TRAIN, UNLABELLED)))
    assert held_out
    assert not held_out & rest
    for which in (0, 1):
        assert (split[label == which] == VALIDATION).sum() == pytest.approx(1250, rel=0.05)
    assert splits.how(begins, film, split) == f"whole groups for validation ({len(held_out)} of 3,456)"


def test_a_sample_has_the_shares_of_the_whole() -> None:
    given = np.where(np.arange(200) % 4 == 0, TEST, TRAIN)
    rows = splits.sample(LABELS, given, 40, seed=1)
    assert len(rows) == len(set(rows.tolist())) == 40
    assert LABELS[rows].sum() == 28
    assert (given[rows] == TEST).sum() == 10
    assert splits.sample(LABELS, given, 0, 1).tolist() == list(range(200))
    assert splits.sample(LABELS, given, 500, 1).tolist() == list(range(200))


def test_a_sample_counts_labelled_reviews() -> None:
    labels = np.concatenate([LABELS, np.full(300, -1)])
    given = np.concatenate([np.where(np.arange(200) % 4 == 0, TEST, TRAIN), np.full(300, UNLABELLED)])
    rows = splits.sample(labels, given, 40, seed=1)
    assert np.bincount(labels[rows] + 1).tolist() == [60, 12, 28]
    assert (np.diff(rows) > 0).all()
    assert rows[labels[rows] >= 0].tolist() == splits.sample(LABELS, given[:200], 40, seed=1).tolist()
    assert len(splits.sample(labels, given, 200, seed=1)) == 500
