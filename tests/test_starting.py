"""What a training starts from: another model's network, which is kept where the training makes it worse."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from sentiment.evaluation import metrics
from sentiment.model import model_file
from sentiment.model.scorer import Scorer
from sentiment.preparation import prepared, preparing
from sentiment.preparation.prepared import Prepared
from sentiment.ragged import from_lengths
from sentiment.reviews import find_source
from sentiment.reviews.batch import VALIDATION
from sentiment.settings import PrepareSettings, TrainSettings
from sentiment.training import training
from sentiment.training.epochs import Epochs
from sentiment.training.messages import Epoch
from sentiment.training.trainer_process import Trainer
from tests.trained import QUICK, Trainers, train_network, train_small

pytestmark = pytest.mark.slow


def test_a_model_that_a_training_only_makes_worse_is_kept(trainers: Trainers, small: Path, data: Prepared, tmp_path: Path) -> None:
    """It is epoch 0, of which there is nothing to say on the training reviews."""
    for backend in ("tensorflow", "cntk"):
        start, further = tmp_path / "start.h5", tmp_path / "model.h5"
        before = train_small(trainers(backend), small, start, architecture="cnn", ngrams=0, epochs=2)
        epochs: dict[int, dict[str, float]] = {}

        def after_epoch(epoch: int, metrics: dict[str, float]) -> bool:
            epochs[epoch] = metrics  # noqa: B023 (called within the round)
            return False

        settings = TrainSettings(**QUICK | {"backend": backend, "ngrams": 0, "learning_rate": 3.0, "weight_average": 0, "patience": 2})
        trained = training.train(trainers(backend), settings, data, further, after_epoch, start=start)
        assert trained.summary["best_epoch"] == 0
        assert list(epochs) == [0, 1, 2]
        assert epochs[0].keys() == {"val_loss", "val_accuracy", "val_auc"}
        assert epochs[0]["val_loss"] == pytest.approx(before.summary["network_val_loss"], abs=1e-5)
        words = data.words.take(data.rows(VALIDATION))
        first, second = (scorer.score_ids(scorer.model.encoder.encode_numbers(words)) for scorer in map(Scorer, (start, further)))
        np.testing.assert_allclose(first, second, atol=1e-6)


def test_taught_epochs_are_compared_at_one_scale() -> None:
    """One that ranks better is kept though it is far too sure; the kept scale makes up for that."""
    labels = np.random.default_rng(0).integers(0, 2, 2000)
    noise = np.random.default_rng(1).normal(size=(2, 2000))
    worse, better = 2.0 * labels - 1 + 1.2 * noise[0], 2.0 * labels - 1 + noise[1]
    kept = {}
    for calibrated in (False, True):
        epochs = Epochs(TrainSettings(), labels, 0.5, calibrated, lambda epoch, metrics: False)
        kept[calibrated] = [epochs.judge(Epoch(number, list(logits))).keep for number, logits in enumerate((worse, 9 * better))]
        assert epochs.best
        factor, shift = epochs.best.scale
        assert metrics.measure(labels, expit(epochs.best.logits))["log_loss"] == pytest.approx(epochs.best.metrics["val_loss"])
        if calibrated:
            np.testing.assert_allclose(epochs.best.logits, factor * 9 * better + shift)
            assert factor == pytest.approx(2 / 9, rel=0.1)  # of two normal distributions two apart, of variance one
    assert kept == {False: [True, False], True: [True, True]}


def test_a_start_gives_each_word_its_own_row(trainer: Trainer, small: Path, data: Prepared, tmp_path: Path) -> None:
    """Of a model with other words in another order; words that it doesn't know begin as they would without it."""
    vocabulary = data.encoder.vocabulary
    theirs = (*reversed(vocabulary[::2]), "elsewhere", "abroad")
    random = np.random.default_rng(0)
    ids = random.integers(0, 4 + len(theirs), len(data.tokens.ids)).astype(np.int32)
    no_words = from_lengths(np.empty(0, np.int32), np.zeros(len(data.labels), np.int64))
    other = replace(data, encoder=replace(data.encoder, vocabulary=theirs), tokens=replace(data.tokens, ids=ids), words=no_words)
    prepared.write(other, tmp_path / "other.h5")
    train_network(trainer, tmp_path / "other.h5", tmp_path / "start.h5", architecture="cnn", epochs=1)
    for name, start in (("new", None), ("started", tmp_path / "start.h5")):
        train_network(trainer, small, tmp_path / f"{name}.h5", start, architecture="cnn", epochs=0)
    before, new, started = (model_file.read(tmp_path / f"{name}.h5").weights for name in ("start", "new", "started"))
    np.testing.assert_array_equal(started["embedding"][0][:4], before["embedding"][0][:4])
    for place, word in enumerate(vocabulary):
        source = before["embedding"][0][4 + theirs.index(word)] if word in theirs else new["embedding"][0][4 + place]
        np.testing.assert_array_equal(started["embedding"][0][4 + place], source, err_msg=word)
    for layer in ("convolution", "dense", "network_logit"):
        np.testing.assert_array_equal(started[layer][0], before[layer][0])
        assert (started[layer][0] != new[layer][0]).any()
    assert started["mask"][0][:, 0].tolist() == [0] + [1] * (3 + len(vocabulary))


@pytest.mark.parametrize(("writer", "ngrams", "reader"), [("cntk", 500, "tensorflow"), ("tensorflow", 0, "cntk")])
def test_a_start_is_taken_from_the_file_of_another_backend(
    trainers: Trainers, small: Path, data: Prepared, tmp_path: Path, writer: str, ngrams: int, reader: str
) -> None:
    """With n-grams beside it or without, and with fewer words, in another order."""
    settings = PrepareSettings(sample=80, vocabulary_size=200, max_length=40, validation_fraction=0.25, seed=2)
    prepared.write(preparing.prepare(find_source(settings), settings)[0], tmp_path / "other.h5")
    train_small(trainers(writer), tmp_path / "other.h5", tmp_path / "start.h5", architecture="bilstm", epochs=1, ngrams=ngrams)
    train_network(trainers(reader), small, tmp_path / "started.h5", tmp_path / "start.h5", architecture="bilstm", epochs=0)
    start, started = (model_file.read(tmp_path / f"{name}.h5") for name in ("start", "started"))
    for layer in ("lstm_forward", "lstm_backward", "network_logit"):
        for before, after in zip(start.weights[layer], started.weights[layer], strict=True):
            np.testing.assert_array_equal(after, before, err_msg=layer)
    theirs, ours = start.encoder.vocabulary, started.encoder.vocabulary
    common = set(theirs) & set(ours)
    assert len(common) > 100
    assert theirs != ours[: len(theirs)]
    for word in common:
        before, after = start.weights["embedding"][0][4 + theirs.index(word)], started.weights["embedding"][0][4 + ours.index(word)]
        np.testing.assert_array_equal(after, before, err_msg=word)
