"""What unlabelled reviews teach, on made-up ones: words that no labelled review has near its few, but unlabelled ones do."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sentiment import preparing
from sentiment.errors import UserError
from sentiment.prepared import TAUGHT_BY, Prepared
from sentiment.reviews import find_source
from sentiment.reviews.batch import TEST
from sentiment.settings import PrepareSettings

TOLD = (["awful", "dull", "boring", "clumsy"], ["lovely", "moving", "clever", "warm"])  # by label: labelled reviews have these
ONLY_BESIDE = (["stilted", "lifeless", "tedious", "turgid"], ["radiant", "tender", "luminous", "witty"])  # and these, too seldom to tell by
PLAIN = ["the", "film", "story", "actor", "scene", "music", "ending", "plot", "room", "night"]


def folder(path: Path, labelled: int = 40, unlabelled: int = 200) -> Path:
    """In aclImdb layout. The training reviews have words of TOLD, the test reviews of ONLY_BESIDE, the unlabelled ones both."""
    random = np.random.default_rng(1)

    def write(place: str, number: int, *words: str) -> None:
        (path / place).mkdir(parents=True, exist_ok=True)
        (path / place / f"{number}_0.txt").write_text(" ".join([*random.choice(PLAIN, 6), *words]))

    for label, name in enumerate(("neg", "pos")):
        for number in range(labelled):
            rare = [ONLY_BESIDE[(label + (number % 2)) % 2][number % 4]] if number < 16 else []  # as often with the one label as the other
            write(f"train/{name}", number, *random.choice(TOLD[label], 3), *rare)
            write(f"test/{name}", number, *random.choice(ONLY_BESIDE[label], 3))
        for number in range(unlabelled // 2):
            write("train/unsup", number * 2 + label, *random.choice(TOLD[label], 2), *random.choice(ONLY_BESIDE[label], 2))
    return path


def made(settings: PrepareSettings) -> Prepared:
    return preparing.prepare(find_source(settings), settings)[0]


def right(data: Prepared) -> float:
    """The share of the test reviews that the n-grams alone put on the right side."""
    rows = data.rows(TEST)
    said = data.ngram_weights[TAUGHT_BY[0]].logits(data.reviews.ngrams.take(rows))
    return float(((said > 0) == (data.labels[rows] == 1)).mean())


def test_words_that_labelled_reviews_do_not_explain_are_learned_from_unlabelled_ones(tmp_path: Path) -> None:
    settings = PrepareSettings(reviews=str(folder(tmp_path)))
    without, taught = made(settings), made(replace(settings, pretrain=True))
    assert right(without) < 0.75
    assert right(taught) > 0.95
    assert len(taught.labels) == len(without.labels)  # the unlabelled reviews themselves are not kept
    assert taught.data_fingerprint == without.data_fingerprint


def test_without_pretraining_unlabelled_reviews_are_not_read(tmp_path: Path) -> None:
    one, other = folder(tmp_path / "one"), tmp_path / "other"
    shutil.copytree(one, other, ignore=shutil.ignore_patterns("unsup"))
    (one / "train" / "unsup" / "0_0.txt").write_bytes(b"\xff")  # not UTF-8
    first, second = (made(PrepareSettings(reviews=str(path))) for path in (one, other))
    assert first.encoder.vocabulary == second.encoder.vocabulary
    for splits in TAUGHT_BY:
        assert (first.ngram_weights[splits].weights == second.ngram_weights[splits].weights).all()


def test_the_same_reviews_teach_the_same(tmp_path: Path) -> None:
    settings = PrepareSettings(reviews=str(folder(tmp_path)), pretrain=True)
    first, second = made(settings), made(settings)
    for splits in TAUGHT_BY:
        assert (first.ngram_weights[splits].weights == second.ngram_weights[splits].weights).all()


def test_nothing_to_pretrain_on_is_refused(tmp_path: Path) -> None:
    path = folder(tmp_path, unlabelled=0)
    with pytest.raises(UserError, match=r"no unlabelled reviews. Received: reviews=.*, pretrain=true. Give a folder"):
        made(PrepareSettings(reviews=str(path), pretrain=True))
    with pytest.raises(UserError, match="no unlabelled reviews"):
        made(PrepareSettings(pretrain=True))  # a table
    with pytest.raises(UserError, match="ngrams=0, pretrain=true"):
        made(PrepareSettings(reviews=str(path), pretrain=True, ngrams=0))


def test_reviews_without_a_word_in_common_teach_nothing(tmp_path: Path) -> None:
    for place in ("train/neg", "train/pos", "test/neg", "test/pos", "train/unsup"):
        (tmp_path / place).mkdir(parents=True)
        for number in range(10):
            (tmp_path / place / f"{number}_0.txt").write_text(f"{place.replace('/', '')}{number}")
    data = made(PrepareSettings(reviews=str(tmp_path), pretrain=True))
    assert not len(data.encoder.ngrams)
    assert right(data) == 0.5
