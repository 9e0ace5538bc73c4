"""What a network can learn of how words follow each other, on every backend, and that it starts from it."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from mlflow import MlflowClient

from sentiment import tracking
from sentiment.backends.interpreters import ALL
from sentiment.errors import StepError, UserError
from sentiment.model import model_file
from sentiment.preparation import prepared
from sentiment.preparation.prepared import Prepared
from sentiment.ragged import from_lengths
from sentiment.reviews.batch import TRAIN, UNLABELLED, VALIDATION
from sentiment.settings import BACKENDS, TrainSettings
from sentiment.steps import pretrain
from sentiment.steps import train as train_step
from sentiment.trainer import batches
from sentiment.trainer.language import CLOSED, NOISE
from sentiment.training import language, pretraining, word_vectors
from sentiment.training.trainer_process import LanguageEpoch, Trainer
from sentiment.training.word_vectors import WordVectors
from tests.trained import SIZES, Trainers, train_network

pytestmark = pytest.mark.slow

WORDS, LENGTH = 40, 20
SETTINGS = TrainSettings(**SIZES | {"architecture": "bilstm", "pretrain": "language-model", "weight_average": 0})


@pytest.fixture(scope="module")
def counting(data: Prepared) -> Prepared:
    """Reviews, some without labels, whose every word tells the next one and the one before: 7 8 9 …, and 1 after the last."""
    starts = np.random.default_rng(0).integers(WORDS, size=300)
    words = from_lengths(((starts[:, None] + np.arange(LENGTH)) % WORDS + 1).ravel().astype(np.int32), np.full(300, LENGTH))
    split = np.repeat(np.array([TRAIN, UNLABELLED, VALIDATION], np.int8), 100)
    return replace(data, words=words, tokens=data.encoder.tokens(words), labels=np.where(split == UNLABELLED, -1, 1), split=split)


def learn(trainers: Trainers, data: Prepared, vectors: WordVectors, **changes: Any) -> tuple[WordVectors, list[LanguageEpoch]]:
    epochs: list[LanguageEpoch] = []
    settings = replace(SETTINGS, **changes)
    learned = pretraining.learn_language(trainers(settings.backend), data, language.pieces(data), settings, vectors, epochs.append)
    return learned, epochs


def test_next_words() -> None:
    """Of a row that is padded, and holds an unknown word, and of one that is empty."""
    tokens = np.array([[1, 11, 12, 2, 14, 0], [0, 0, 0, 0, 0, 0]])
    places, known = batches.next_words(tokens, np.array([5, 0]), ["forward", "backward"])
    following = np.where(known, tokens[[[0], [1]], places], 0)
    assert following[0, :6].tolist() == [11, 12, 0, 14, 0, 0]
    assert following[0, 6:].tolist() == [0, 12, 11, 0, 0, 0], "read backward: 14 ? 12 11 start"
    assert not known[1].any()
    forward, known = batches.next_words(tokens, np.array([5, 0]), ["forward"])
    assert np.where(known, tokens[[[0], [1]], forward], 0)[0].tolist() == [11, 12, 0, 14, 0, 0]


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_nobody_knows_is_as_likely_as_all_candidates(trainers: Trainers, counting: Prepared, backend: str) -> None:
    """Words without meaning are told by chance; padding and unknown words are not to be told."""
    size = counting.encoder.size
    meaningless = WordVectors(np.arange(size, dtype=np.int32), np.zeros((size, SETTINGS.embedding_size), np.float32))
    _, (epoch,) = learn(trainers, counting, meaningless, backend=backend, learning_rate=1e-9, pretrain_epochs=1)
    candidates = 1 + LENGTH + NOISE
    assert epoch.train_loss == pytest.approx(np.log(candidates), abs=1e-4)
    assert epoch.val_loss == pytest.approx(np.log(candidates), abs=1e-4)


@pytest.mark.parametrize("backend", BACKENDS)
def test_lstms_learn_in_both_directions(trainers: Trainers, counting: Prepared, backend: str) -> None:
    """The same word is drawn two or three times beside the true one, which cannot be told from it."""
    vectors = pretraining.learn_vectors(counting, SETTINGS)
    learned, epochs = learn(trainers, counting, vectors, backend=backend, learning_rate=0.03, pretrain_epochs=12)
    assert [epoch.epoch for epoch in epochs] == list(range(1, 13))
    least = np.log(1 + NOISE / WORDS)
    assert epochs[-1].val_loss < least + 0.6 < epochs[0].val_loss
    assert {name: [array.shape for array in arrays] for name, arrays in learned.lstms.items()} == {
        f"lstm_{direction}": [(8, 24), (6, 24), (24,)] for direction in ("forward", "backward")
    }
    assert learned.vectors.shape == (counting.encoder.size, 8)


def test_output_gates_are_closed_at_the_end(trainers: Trainers, counting: Prepared) -> None:
    """The bias of a new LSTM is 0, and 1 in the forget gate: input, forget, cell, output."""
    vectors = pretraining.learn_vectors(counting, SETTINGS)
    learned, _ = learn(trainers, counting, vectors, learning_rate=1e-9, pretrain_epochs=1)
    for weights in learned.lstms.values():
        np.testing.assert_allclose(weights[2].reshape(4, 6).mean(1), [0, 1, 0, -CLOSED], atol=1e-4)


@pytest.mark.parametrize(("writer", "reader"), [("tensorflow", "cntk"), ("cntk", "torch"), ("jax", "tensorflow")])
def test_a_network_starts_from_what_another_backend_learned(
    trainers: Trainers, small: Path, counting: Prepared, tmp_path: Path, writer: str, reader: str
) -> None:
    vectors = pretraining.learn_vectors(counting, SETTINGS)
    learned, _ = learn(trainers, counting, vectors, backend=writer, pretrain_epochs=1)
    word_vectors.write(learned, tmp_path / "learned.h5")
    start = word_vectors.read(tmp_path / "learned.h5", counting.encoder.size, 8, 6)
    train_network(trainers(reader), small, tmp_path / "model.h5", start, architecture="bilstm", epochs=0)
    weights = model_file.read(tmp_path / "model.h5").weights
    np.testing.assert_array_equal(weights["embedding"][0], learned.vectors)
    for layer, arrays in learned.lstms.items():
        for ours, theirs in zip(weights[layer], arrays, strict=True):
            np.testing.assert_array_equal(ours, theirs, err_msg=layer)


def test_it_is_a_run_of_its_own_and_not_done_twice(small: Path) -> None:
    settings = replace(SETTINGS, prepared=str(small), pretrain_epochs=2, epochs=1)
    client, taken = MlflowClient(), []
    for dropout in (0.5, 0.4):  # nothing is dropped in it
        run = train_step.run(replace(settings, dropout=dropout))
        taken.append(client.get_run(run.run_id).data.tags["pretrain_run_id"])
    assert taken[0] == taken[1]
    made = client.get_run(taken[0])
    assert [each.step for each in client.get_metric_history(made.info.run_id, "val_loss")] == [1, 2]
    assert made.data.metrics["reviews"] == len(prepared.read(small).rows(TRAIN))
    learned = word_vectors.read(tracking.artifact(made, "language_model.h5"), prepared.read(small).encoder.size, 8, 6)
    assert set(learned.lstms) == {"lstm_forward", "lstm_backward"}
    recipe = pretrain.recipe(settings, prepared.read(small))
    changes: list[dict[str, Any]] = [{"lstm_size": 7}, {"backend": "cntk"}, {"pretrain_epochs": 3}, {"architecture": "lstm"}]
    for change in changes:
        assert pretrain.recipe(replace(settings, **change), prepared.read(small)) != recipe


@pytest.mark.parametrize("architecture", ["cnn", "cnn-lstm"])
def test_a_network_whose_lstms_read_no_words_has_none(small: Path, architecture: str) -> None:
    with pytest.raises(UserError, match=f"Received: pretrain=language-model, architecture={architecture}. Give pretrain=vectors"):
        train_step.run(replace(SETTINGS, prepared=str(small), architecture=architecture))
    assert not MlflowClient().search_runs(["0"])


def test_one_that_gives_no_numbers_ends(counting: Prepared) -> None:
    """With its trainer, which would go on."""
    size = counting.encoder.size
    vectors = WordVectors(np.arange(size, dtype=np.int32), np.full((size, 8), np.nan, np.float32))
    with pytest.raises(StepError, match="epoch 1 gave no numbers"), Trainer(ALL["tensorflow"]) as trainer:
        learn(lambda backend: trainer, counting, vectors, pretrain_epochs=2)


DAMAGED: dict[str, tuple[Any, int]] = {
    "none": (lambda file: file.pop("lstms"), 6),
    "another size": (lambda file: None, 7),
    "two of three": (lambda file: file["lstms/lstm_forward"].pop("2"), 6),
    "no numbers": (lambda file: file["lstms/lstm_forward/2"].write_direct(np.full(24, np.nan, np.float32)), 6),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_refused(tmp_path: Path, name: str) -> None:
    damage, lstm_size = DAMAGED[name]
    path, random = tmp_path / "learned.h5", np.random.default_rng(0)
    arrays = [random.normal(size=shape).astype(np.float32) for shape in ((8, 24), (6, 24), (24,))]
    lstms = {"lstm_forward": arrays, "lstm_backward": arrays}
    word_vectors.write(WordVectors(np.arange(9, dtype=np.int32), random.normal(size=(9, 8)).astype(np.float32), lstms), path)
    assert asdict(word_vectors.read(path, 9, 8, 6))["lstms"].keys() == lstms.keys()
    with h5py.File(path, "r+") as file:
        damage(file)
    with pytest.raises(UserError, match="word vectors"):
        word_vectors.read(path, 9, 8, lstm_size)
