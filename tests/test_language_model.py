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
from sentiment.settings import BACKENDS, LSTMS_OVER_WORDS, TrainSettings
from sentiment.steps import pretrain
from sentiment.steps import train as train_step
from sentiment.trainer import batches
from sentiment.trainer.language import CLOSED, NOISE
from sentiment.training import language, pretraining, word_vectors
from sentiment.training.messages import LanguageEpoch
from sentiment.training.trainer_process import Trainer
from sentiment.training.word_vectors import WordVectors
from tests.trained import SIZES, Trainers, train_network

pytestmark = pytest.mark.slow

WORDS, LENGTH = 40, 20
SETTINGS = TrainSettings(**SIZES | {"architecture": "bilstm", "pretrain": "language-model", "weight_average": 0})


LSTMS = {"lstm_forward": 6, "lstm_backward": 6}


@pytest.fixture(scope="module")
def counting(data: Prepared) -> Prepared:
    """Reviews of several lengths, some without labels, whose words tell the next and the one before: 7 8 9 …, and 1 after the last.

    Here and there stands an unknown word.
    """
    random = np.random.default_rng(0)
    starts, lengths = random.integers(WORDS, size=300), random.integers(3, LENGTH + 1, size=300)
    words = from_lengths(np.concatenate([(start + np.arange(length)) % WORDS + 1 for start, length in zip(starts, lengths)]), lengths)  # noqa: B905
    words = replace(words, ids=np.where(random.random(len(words.ids)) < 0.05, 0, words.ids).astype(np.int32))
    split = np.repeat(np.array([TRAIN, UNLABELLED, VALIDATION], np.int8), 100)
    return replace(data, words=words, tokens=data.encoder.tokens(words), labels=np.where(split == UNLABELLED, -1, 1), split=split)


def learn(trainers: Trainers, data: Prepared, vectors: WordVectors, **changes: Any) -> tuple[WordVectors, list[LanguageEpoch]]:
    epochs: list[LanguageEpoch] = []
    settings = replace(SETTINGS, **changes)
    learned = pretraining.learn_language(
        trainers(settings.backend), data, language.unlabelled_pieces(data), settings, vectors, epochs.append
    )
    return learned, epochs


def test_what_follows() -> None:
    assert batches.following(np.array([[1, 11, 12, 0], [1, 13, 14, 15]])).tolist() == [[11, 12, 0, 0], [13, 14, 15, 0]]


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_has_no_meaning_is_told_by_chance(trainers: Trainers, counting: Prepared, backend: str) -> None:
    """The loss is the mean of the words that are told, however many of a batch these are: those that are known, not padding."""
    size = counting.encoder.size
    meaningless = WordVectors(np.arange(size, dtype=np.int32), np.zeros((size, SETTINGS.embedding_size), np.float32))
    _, (epoch,) = learn(trainers, counting, meaningless, backend=backend, learning_rate=1e-9, pretrain_epochs=1)
    assert epoch.train_loss == pytest.approx(np.log(1 + NOISE), abs=1e-4)
    assert epoch.val_loss == pytest.approx(np.log(1 + NOISE), abs=1e-4)


@pytest.mark.parametrize(("backend", "architecture"), [*((backend, "bilstm") for backend in BACKENDS), ("tensorflow", "lstm")])
def test_lstms_learn_what_follows(trainers: Trainers, counting: Prepared, backend: str, architecture: str) -> None:
    """In both directions, if there are two. The same word is drawn two or three times beside the true one, and can't be told from it."""
    vectors = pretraining.learn_vectors(counting, SETTINGS)
    changes: dict[str, Any] = {"backend": backend, "architecture": architecture, "learning_rate": 0.03, "pretrain_epochs": 12}
    learned, epochs = learn(trainers, counting, vectors, **changes)
    assert [epoch.epoch for epoch in epochs] == list(range(1, 13))
    least = np.log(1 + NOISE / WORDS)
    assert epochs[-1].val_loss < least + 0.6 < epochs[0].val_loss
    shapes = {name: [array.shape for array in arrays] for name, arrays in learned.lstms.items()}
    assert shapes == {layer: [(8, 24), (6, 24), (24,)] for layer in LSTMS_OVER_WORDS[architecture]}
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
    start = word_vectors.read(tmp_path / "learned.h5", counting.encoder.size, 8, LSTMS)
    train_network(trainers(reader), small, tmp_path / "model.h5", start, architecture="bilstm", epochs=0)
    weights = model_file.read(tmp_path / "model.h5").weights
    np.testing.assert_array_equal(weights["embedding"][0], learned.vectors)
    for layer, arrays in learned.lstms.items():
        for ours, theirs in zip(weights[layer], arrays, strict=True):
            np.testing.assert_array_equal(ours, theirs, err_msg=layer)


def test_it_is_a_run_of_its_own_and_not_done_twice(small: Path) -> None:
    settings = replace(SETTINGS, backend="cntk", prepared=str(small), pretrain_epochs=2, epochs=1)
    client, taken = MlflowClient(), []
    for dropout in (0.5, 0.4):  # nothing is dropped in it
        run = train_step.run(replace(settings, dropout=dropout))
        taken.append(client.get_run(run.run_id).data.tags["pretrain_run_id"])
    assert taken[0] == taken[1]
    made = client.get_run(taken[0])
    assert [each.step for each in client.get_metric_history(made.info.run_id, "val_loss")] == [1, 2]
    assert made.data.metrics["reviews"] == len(prepared.read(small).rows(TRAIN))
    assert made.info.run_name == "pretrain language-model bilstm 6×8 cntk"
    said = f"to tell next words in {made.data.metrics['pieces']:.0f} pieces.\n\nIt is the artifact `language_model.h5`"
    assert said in made.data.tags[tracking.NOTE]
    learned = word_vectors.read(tracking.artifact(made, "language_model.h5"), prepared.read(small).encoder.size, 8, LSTMS)
    assert set(learned.lstms) == {"lstm_forward", "lstm_backward"}
    recipe = pretrain.recipe(settings, prepared.read(small))
    changes: list[dict[str, Any]] = [{"lstm_size": 7}, {"backend": "tensorflow"}, {"pretrain_epochs": 3}, {"architecture": "lstm"}]
    for change in changes:
        assert pretrain.recipe(replace(settings, **change), prepared.read(small)) != recipe
    data = prepared.read(small)
    assert pretrain.recipe(replace(settings, filters=9, ngrams=7), replace(data, labels=1 - data.labels)) == recipe


@pytest.mark.parametrize("architecture", ["cnn", "cnn-lstm"])
def test_a_network_whose_lstms_read_no_words_has_none(small: Path, architecture: str) -> None:
    with pytest.raises(UserError, match=f"Received: pretrain=language-model, architecture={architecture}. Give pretrain=vectors"):
        train_step.run(replace(SETTINGS, prepared=str(small), architecture=architecture))
    assert not MlflowClient().search_runs(["0"])


def test_one_that_gives_no_numbers_ends(counting: Prepared) -> None:
    """With its trainer, which would go on."""
    size = counting.encoder.size
    vectors = WordVectors(np.arange(size, dtype=np.int32), np.full((size, 8), np.nan, np.float32))
    with pytest.raises(StepError, match="epoch 1 gave no numbers"), Trainer(ALL["cntk"]) as trainer:
        learn(lambda backend: trainer, counting, vectors, pretrain_epochs=2)


DAMAGED: dict[str, tuple[Any, dict[str, int]]] = {
    "none": (lambda file: file.pop("lstms"), LSTMS),
    "another size": (lambda file: None, dict.fromkeys(LSTMS, 7)),
    "one of two": (lambda file: file["lstms"].pop("lstm_forward"), LSTMS),
    "one too many": (lambda file: file.copy("lstms/lstm_forward", "lstms/lstm_x"), LSTMS),
    "two of three": (lambda file: file["lstms/lstm_forward"].pop("2"), LSTMS),
    "no numbers": (lambda file: file["lstms/lstm_forward/2"].write_direct(np.full(24, np.nan, np.float32)), LSTMS),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_refused(tmp_path: Path, name: str) -> None:
    damage, lstm_sizes = DAMAGED[name]
    path, random = tmp_path / "learned.h5", np.random.default_rng(0)
    arrays = [random.normal(size=shape).astype(np.float32) for shape in ((8, 24), (6, 24), (24,))]
    lstms = {"lstm_forward": arrays, "lstm_backward": arrays}
    word_vectors.write(WordVectors(np.arange(9, dtype=np.int32), random.normal(size=(9, 8)).astype(np.float32), lstms), path)
    assert asdict(word_vectors.read(path, 9, 8, LSTMS))["lstms"].keys() == lstms.keys()
    with h5py.File(path, "r+") as file:
        damage(file)
    with pytest.raises(UserError, match="as a language model"):
        word_vectors.read(path, 9, 8, lstm_sizes)
