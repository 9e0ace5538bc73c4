"""Vectors that words start with: read from files that users have, learned from reviews, and put into the embedding."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from sentiment.errors import UserError
from sentiment.model import model_file
from sentiment.preparation import prepared
from sentiment.preparation.prepared import Prepared
from sentiment.ragged import from_lists
from sentiment.settings import TextSettings, TrainSettings
from sentiment.steps import train as train_step
from sentiment.text.vocabulary import FIRST_WORD, Encoder
from sentiment.training import learned_vectors, vector_file, word_vectors
from sentiment.training.word_vectors import WordVectors
from tests.trained import QUICK, SIZES, Trainers, train_network

WORDS = ("good", "don't", "ireland", "naïve", "absent")
ENCODER = Encoder(TextSettings(), WORDS)
ROWS = ["good 1 2", "elsewhere 3 4", "don't -5e-1 6.25", "naïve 7 8"]
HEADER = "4 2"


def written(folder: Path, *lines: str, name: str = "vectors.txt") -> str:
    content = ("\n".join(lines) + "\n").encode()
    (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return str(folder / name)


def by_word(vectors: WordVectors) -> dict[str, list[float]]:
    return {WORDS[at - FIRST_WORD]: vector.tolist() for at, vector in zip(vectors.ids, vectors.vectors, strict=True)}


@pytest.mark.parametrize("name", ["glove.txt", "wiki.vec", "vectors.vec.gz"])
@pytest.mark.parametrize("end", ["", " "], ids=["plain", "a blank at each end, as fastText writes it"])
def test_every_form_gives_the_same_vectors(tmp_path: Path, name: str, end: str) -> None:
    lines = ROWS if name.startswith("glove") else [HEADER, *(row + end for row in ROWS)]
    vectors = vector_file.read(written(tmp_path, *lines, name=name), ENCODER, 2)
    assert by_word(vectors) == {"good": [1, 2], "don't": [-0.5, 6.25], "naïve": [7, 8]}


def test_a_word_stands_for_its_lower_case_where_texts_are_lower_cased(tmp_path: Path) -> None:
    file = written(tmp_path, "Ireland 1 2", "IRELAND 3 4", "Good 5 6", "good 7 8", "good 9 9")
    assert by_word(vector_file.read(file, ENCODER, 2)) == {"ireland": [1, 2], "good": [7, 8]}
    cased = Encoder(TextSettings(lowercase=False), WORDS)
    assert by_word(vector_file.read(file, cased, 2)) == {"good": [7, 8]}


def test_words_with_blanks_are_none_of_ours(tmp_path: Path) -> None:
    """GloVe has some."""
    file = written(tmp_path, "good 1 2", ". . good 3 4", "don't 5 6")
    assert by_word(vector_file.read(file, ENCODER, 2)) == {"good": [1, 2], "don't": [5, 6]}


HOSTILE = {
    "another size": (["good 1 2 3"], "with 3 numbers for a word, embedding_size=2. Give embedding_size=3"),
    "a header with another size": (["1 999999999999", "good 1 2"], "Give embedding_size=999999999999"),
    "a header with more words than there are": (["999999999999 2", *ROWS], "its first line says 999999999999 words, and there are 4"),
    "a header with fewer": (["3 2", *ROWS], "says 3 words, and there are 4"),
    "a line cut off": ([*ROWS, "absent 1"], "line 5 has 2 columns, not a word and 2 numbers"),
    "no number": (["elsewhere 1 2", "good 1 x"], "line 2 has something that is no number"),
    "NaN": (["good 1 nan"], "line 1 has a number that is not finite"),
    "over float32": (["good 1 1e39"], "line 1 has a number that is not finite"),
    "no vectors": (["A text about films, and nothing else."], "it begins with no word and its numbers"),
    "empty": ([""], "it begins with no word and its numbers"),
    "no word of ours": (["bonjour 1 2"], "The file has no word of the reviews"),
    "an endless line": (["good 1 2", "x" * (1 << 21)], "line 2 is longer than 1048576 bytes"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_damaged_file_is_one_line(tmp_path: Path, name: str) -> None:
    lines, said = HOSTILE[name]
    with pytest.raises(UserError) as error:
        vector_file.read(written(tmp_path, *lines), ENCODER, 2)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 600


def test_a_packed_file_that_is_cut_off_is_one_line(tmp_path: Path) -> None:
    path = Path(written(tmp_path, *(f"word{at} {at} 2" for at in range(10_000)), "good 1 2", name="vectors.gz"))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"The packed file can't be read\. Received: .*vectors\.gz"):
        vector_file.read(str(path), ENCODER, 2)


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    for file in (tmp_path / "nosuch.vec", tmp_path):
        with pytest.raises(UserError, match="There is no such file"):
            vector_file.check(str(file), 2)


@pytest.mark.parametrize("backend", ["tensorflow", "cntk"])
def test_words_start_with_their_vectors(trainers: Trainers, small: Path, tmp_path: Path, backend: str) -> None:
    data = prepared.read(small)
    ids = np.arange(FIRST_WORD, data.encoder.size, 2, dtype=np.int32)
    vectors = WordVectors(ids, np.random.default_rng(0).normal(size=(len(ids), SIZES["embedding_size"])).astype(np.float32))
    trainer = trainers(backend)
    for name, start in (("new", None), ("started", vectors)):
        train_network(trainer, small, tmp_path / f"{name}.h5", start, architecture="cnn", epochs=0)
    new, started = (model_file.read(tmp_path / f"{name}.h5").weights for name in ("new", "started"))
    np.testing.assert_array_equal(started["embedding"][0][ids], vectors.vectors)
    others = np.setdiff1d(np.arange(data.encoder.size), ids)
    np.testing.assert_array_equal(started["embedding"][0][others], new["embedding"][0][others])
    np.testing.assert_array_equal(started["convolution"][0], new["convolution"][0])


def texts_of_two_kinds(count: int) -> list[list[int]]:
    """Words 1 to 4 stand together, and 5 to 8; 9 is nowhere, 0 and 10 are no words."""
    random = np.random.default_rng(0)
    return [[0, *(random.integers(1, 5, size=12) + 4 * (at % 2)).tolist(), 10] for at in range(count)]


def test_words_that_stand_together_have_like_vectors() -> None:
    heard: list[tuple[int, int]] = []
    learned = learned_vectors.learn(from_lists(texts_of_two_kinds(200)), 9, 4, 1, lambda done, of: heard.append((done, of)))
    assert learned.ids.tolist() == list(range(FIRST_WORD, FIRST_WORD + 8))
    assert learned.vectors.shape == (8, 4)
    assert learned.vectors.dtype == np.float32
    units = learned.vectors / np.linalg.norm(learned.vectors, axis=1, keepdims=True)
    likeness = units @ units.T
    assert min(likeness[:4, :4].min(), likeness[4:, 4:].min()) > 0.8
    assert abs(likeness[:4, 4:]).max() < 0.1
    assert heard == sorted(heard)
    assert heard[-1][0] == heard[-1][1]


def test_the_count_of_near_words_is_that_of_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learned_vectors, "PIECE", 7)  # so that texts lie across two pieces
    random = np.random.default_rng(1)
    texts = [random.integers(0, 7, size=length).tolist() for length in (0, 1, 3, 12, 9, 2, 20)]
    expected = np.zeros((5, 5))
    for text in texts:
        for at, first in enumerate(text):
            for distance in range(1, learned_vectors.WINDOW + 1):
                if at + distance < len(text) and 0 < first <= 5 and 0 < (second := text[at + distance]) <= 5:
                    expected[first - 1, second - 1] += 1 / distance
                    expected[second - 1, first - 1] += 1 / distance
    np.testing.assert_allclose(learned_vectors._near(from_lists(texts), 5, lambda done: None).toarray(), expected, rtol=1e-5)


def test_more_numbers_than_words_are_filled_up_with_zeros() -> None:
    learned = learned_vectors.learn(from_lists(texts_of_two_kinds(20)), 9, 12, 1)
    assert learned.vectors.shape == (8, 12)
    assert not learned.vectors[:, 9:].any()


def test_fewer_words_than_a_window_has() -> None:
    texts = from_lists([[1, 2], [2]])
    assert len(learned_vectors.learn(texts, 2, 2, 1)) <= 2


def test_words_that_stand_alone_have_no_vectors() -> None:
    assert learned_vectors.learn(from_lists([[1], [2]]), 2, 3, 1).vectors.shape == (0, 3)


def test_the_same_seed_gives_the_same_vectors() -> None:
    texts = from_lists(texts_of_two_kinds(50))
    first, again, other = (learned_vectors.learn(texts, 9, 4, seed).vectors for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_file_of_learned_vectors(tmp_path: Path) -> None:
    vectors = WordVectors(np.array([4, 6], np.int32), np.ones((2, 3), np.float32))
    path = tmp_path / "vectors.h5"
    word_vectors.write(vectors, path)
    again = word_vectors.read(path, 7, 3)
    np.testing.assert_array_equal(again.ids, vectors.ids)
    np.testing.assert_array_equal(again.vectors, vectors.vectors)
    for below, size in ((6, 3), (7, 4)):
        with pytest.raises(UserError, match="can't be read as word vectors"):
            word_vectors.read(path, below, size)


def test_a_training_says_how_many_words_have_a_vector(
    small: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, data: Prepared
) -> None:
    words = data.encoder.vocabulary[:20]
    file = written(tmp_path, *(f"{word} {' '.join(['0.5'] * 8)}" for word in (*words, "nosuchword")))
    settings = TrainSettings(**QUICK | {"backend": "cntk", "prepared": str(small), "epochs": 1, "word_vectors": file})
    with caplog.at_level("INFO", "sentiment"):
        run = train_step.run(settings)
    assert f"train: 20 of {len(data.encoder.vocabulary)} words have a vector in {file}" in caplog.text
    assert MlflowClient().get_run(run.run_id).data.metrics["words_with_vector"] == 20


@pytest.fixture
def data(small: Path) -> Prepared:
    return prepared.read(small)
