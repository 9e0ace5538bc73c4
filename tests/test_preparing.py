"""`prepared.h5`: what is in it, and that it is the same each time."""

import csv
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from sentiment.errors import UserError
from sentiment.preparation import prepared, preparing
from sentiment.reviews import find_source
from sentiment.reviews.batch import TEST, TRAIN, VALIDATION
from sentiment.settings import PrepareSettings
from sentiment.text.vocabulary import UNKNOWN
from tests.trained import assert_same_encoder

SETTINGS = PrepareSettings(sample=120)


def made(settings: PrepareSettings) -> prepared.Prepared:
    return preparing.prepare(find_source(settings), settings)[0]


def table(path: Path, rows: list[tuple[str, int]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    return path


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    for name in ("one.h5", "two.h5"):
        prepared.write(made(SETTINGS), tmp_path / name)
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()


def test_what_is_written_is_read(tmp_path: Path) -> None:
    first = made(SETTINGS)
    prepared.write(first, tmp_path / "a.h5")
    second = prepared.read(tmp_path / "a.h5")
    assert second.test_texts == first.test_texts
    assert_same_encoder(second.encoder, first.encoder)
    assert second.data_fingerprint == first.data_fingerprint
    for a, b in ((first.labels, second.labels), (first.split, second.split)):
        assert (a == b).all()
    assert second.split_method == first.split_method
    for one, other in ((first.tokens, second.tokens), (first.words, second.words)):
        assert (one.ids == other.ids).all()
        assert (one.offsets == other.offsets).all()


def test_rows_texts_and_labels_belong_together() -> None:
    data = made(PrepareSettings())
    assert data.encoder.encode(data.test_texts).tokens.ids.tolist() == data.tokens.take(data.rows(TEST)).ids.tolist()
    assert data.encoder.number(data.test_texts).ids.tolist() == data.words.take(data.rows(TEST)).ids.tolist()
    by_text = {
        text: label
        for batch in find_source(PrepareSettings()).read(lambda n: None)
        for text, label in zip(batch.texts, batch.labels, strict=True)
    }
    assert [by_text[text] for text in data.test_texts] == data.labels[data.rows(TEST)].tolist()


def test_the_vocabulary_is_that_of_the_training_split(tmp_path: Path) -> None:
    rows = [(f"{'good' if i % 2 else 'bad'} film word{i} word{i}", i % 2) for i in range(40)]
    data = made(PrepareSettings(reviews=str(table(tmp_path / "a.csv", rows))))
    train, rest = (data.tokens.take(data.rows(*splits)) for splits in ((TRAIN,), (VALIDATION, TEST)))
    assert UNKNOWN not in train.ids
    assert (rest.ids == UNKNOWN).sum() == 2 * len(rest)
    assert 0 not in data.words.take(data.rows(TRAIN)).ids


@pytest.mark.parametrize("split", [TRAIN, VALIDATION])
def test_nothing_is_learned_from_labels(tmp_path: Path, split: int) -> None:
    """Labels that change places within a split leave ids, words and vocabulary as they were."""
    names = {TRAIN: "train", VALIDATION: "validation", TEST: "test"}
    random = np.random.default_rng(0)
    splits = np.repeat([TRAIN, VALIDATION, TEST], [60, 20, 20])
    labels = np.arange(100) % 2
    words = ["bad", "good", *(f"word{number}" for number in range(60))]
    texts = [" ".join([words[label], *random.choice(words, 12)]) for label in labels]

    def prepare(labels: np.ndarray) -> prepared.Prepared:
        path = tmp_path / "a.csv"
        lines = (f"{text},{label},{names[split]}" for text, label, split in zip(texts, labels, splits, strict=True))
        path.write_text("\n".join(["text,label,split", *lines]))
        return made(PrepareSettings(reviews=str(path)))

    first, swapped = prepare(labels), prepare(np.where(splits == split, 1 - labels, labels))
    assert (first.labels != swapped.labels).tolist() == (first.split == split).tolist()
    assert first.split.tolist() == swapped.split.tolist() == splits.tolist()
    assert_same_encoder(first.encoder, swapped.encoder)
    for one, other in ((first.tokens, swapped.tokens), (first.words, swapped.words)):
        assert one.ids.tolist() == other.ids.tolist()
        assert one.offsets.tolist() == other.offsets.tolist()


def test_fingerprints_tell_data_and_splits_apart() -> None:
    base = made(SETTINGS).data_fingerprint
    assert made(replace(SETTINGS, vocabulary_size=100, max_length=50)).data_fingerprint == base
    for other in (replace(SETTINGS, seed=2), replace(SETTINGS, sample=100), replace(SETTINGS, validation_fraction=0.3)):
        assert made(other).data_fingerprint != base


def test_recipes_tell_settings_and_data_apart(tmp_path: Path) -> None:
    rows = [("good", 1), ("bad", 0)] * 5
    one, two = table(tmp_path / "one.csv", rows), table(tmp_path / "two.csv", rows)

    def recipe(path: Path, **changes: int) -> str:
        settings = PrepareSettings(reviews=str(path), **changes)  # type: ignore[arg-type]
        return preparing.recipe(find_source(settings), settings)

    assert recipe(one) == recipe(two)
    assert recipe(one, max_length=9) != recipe(one)
    table(two, [*rows, ("fine", 1)])
    assert recipe(one) != recipe(two)


def test_rows_without_words_and_rows_in_two_splits_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    lines = [f"{'good' if i % 2 else 'bad'} film {i},{i % 2},{'test' if i < 8 else 'train'}" for i in range(40)]
    path.write_text("\n".join(["text,label,split", *lines, " ,1,train", "👍!,1,train", "bad film 0!,0,train"]))
    settings = PrepareSettings(strip_punctuation=True, reviews=str(path))
    data, metrics = preparing.prepare(find_source(settings), settings)
    assert metrics["rows_without_words"] == 2
    assert metrics["rows_in_two_splits"] == 1
    assert len(data.labels) == 40
    assert metrics["test_reviews"] == 8


def test_a_folder_with_no_test_split_gets_one(tmp_path: Path) -> None:
    for label in ("pos", "neg"):
        (tmp_path / "train" / label).mkdir(parents=True)
        for number in range(20):
            (tmp_path / "train" / label / f"{number}_1.txt").write_text(f"{label} film {number}")
    data = made(PrepareSettings(reviews=str(tmp_path)))
    assert len(data.test_texts) == 8
    assert data.encoder.number(data.test_texts).ids.tolist() == data.words.take(data.rows(TEST)).ids.tolist()


@pytest.mark.parametrize("rows", [[], [("good", 1)], [("good", 1)] * 50 + [("bad", 0)], [(f"good {i}", 1) for i in range(50)]])
def test_too_few_reviews_are_refused(tmp_path: Path, rows: list[tuple[str, int]]) -> None:
    with pytest.raises(UserError, match="Give "):
        made(PrepareSettings(reviews=str(table(tmp_path / "a.csv", rows))))


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "no.h5").write_bytes(b"no")
    with pytest.raises(UserError, match="can't be read"):
        prepared.read(tmp_path / "no.h5")


def test_prepared_data_of_the_format_before_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "old.h5", "w") as file:
        file.attrs["format"] = "sentiment-prepared-3"
        file["ids"], file["offsets"] = np.array([1, 4], np.int32), np.array([0, 2])
    with pytest.raises(
        UserError, match=r"earlier version. Received: .*old\.h5, format sentiment-prepared-3. Make it with prepare"
    ) as caught:
        prepared.read(tmp_path / "old.h5")
    assert "\n" not in str(caught.value)


def test_labels_that_are_not_named_are_counted_and_left_out_of_both_passes(tmp_path: Path) -> None:
    rows = [(f"{('dull', 'poor', 'so', 'good', 'best')[number % 5]} film number {number}", number % 5 + 1) for number in range(100)]
    settings = PrepareSettings(reviews=str(table(tmp_path / "a.csv", rows)), positive="4,5", negative="1,2")
    data, counts = preparing.prepare(find_source(settings), settings)
    assert counts["rows_with_other_labels"] == 20
    assert len(data.labels) == 80
    labels = dict(rows)
    assert [labels[text] > 3 for text in data.test_texts] == data.labels[data.rows(TEST)].tolist()
    with pytest.raises(UserError, match="100 rows with other labels"):
        preparing.prepare(find_source(replace(settings, positive="7", negative="8")), replace(settings, positive="7", negative="8"))
