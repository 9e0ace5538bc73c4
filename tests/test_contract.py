"""What every architecture keeps on every backend, tried on real ones."""

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import pytest

from sentiment.backends.interpreters import ALL
from sentiment.model import model_file
from sentiment.model.model_file import ModelFile, read
from sentiment.model.scorer import PADDED, Scorer
from sentiment.preparation import prepared, preparing
from sentiment.ragged import concatenate
from sentiment.reviews import find_source
from sentiment.reviews.batch import TRAIN, VALIDATION
from sentiment.settings import ARCHITECTURES, BACKENDS, NETWORKS, PrepareSettings, TrainSettings
from sentiment.text.vocabulary import Encoded
from sentiment.trainer import batches, files
from sentiment.training import model_parts, ngram_regression
from sentiment.training.trainer_process import Epoch, ModelFiles, Scores, Trainer, Verdict, write_ids
from sentiment.training.training import Trained
from sentiment.training.word_vectors import WordVectors
from tests.conftest import SIZES, assert_same_encoder, random_reviews, train_small

Trainers = Callable[[str], Trainer]
KINDS = [(architecture, 500) for architecture in ARCHITECTURES] + [(architecture, 0) for architecture in NETWORKS]  # and n-grams
FROZEN = {"present", "ngram_weights", "ngram_present", "ngrams_logit", "combined_logit", "lower_forward", "lower_backward"}
LENGTHS = [1, 2, 3, 5, 9, 17, 30, 39, 40]


class Kept(NamedTuple):
    """A model, and what was logged of it."""

    path: Path
    trained: Trained


Models = Callable[..., Kept]


@pytest.fixture(scope="module")
def models(trainers: Trainers, small: Path, tmp_path_factory: pytest.TempPathFactory) -> Models:
    """A model of each kind, trained for two epochs on each backend."""
    folder = tmp_path_factory.mktemp("models")
    kept: dict[tuple[str, str, int], Kept] = {}

    def get(backend: str, architecture: str, ngrams: int = 500) -> Kept:
        key = backend, architecture, ngrams
        if key not in kept:
            path = folder / f"{backend}-{architecture}-{ngrams}.h5"
            kept[key] = Kept(path, train_small(trainers(backend), small, path, architecture=architecture, ngrams=ngrams, epochs=2))
        return kept[key]

    return get


def train_network(
    trainer: Trainer, data: Path, path: Path, start: Path | WordVectors | None = None, **settings: float | str
) -> list[Epoch]:
    """Trains a network by itself and keeps its last epoch, whatever that is worth."""
    chosen = asdict(TrainSettings(**{"backend": trainer.backend.name, **SIZES})) | settings
    epochs: list[Epoch] = []

    def keep(epoch: Epoch) -> Verdict:
        epochs.append(epoch)
        return Verdict(keep=True, stop=False)

    def finish() -> ModelFiles:
        parts = path.with_suffix(".parts")
        model_parts.write(parts, prepared.read(data), chosen, trainer.backend.name, ngram_regression.NONE, None)
        return ModelFiles(parts, path)

    trainer.train(prepared.read(data), chosen, keep, finish, start=start)
    return epochs


def assert_same_scores(one: Scores, other: Scores) -> None:
    np.testing.assert_allclose(one.scores, other.scores, rtol=0, atol=1e-6)
    np.testing.assert_allclose(one.network_logits, other.network_logits, rtol=0, atol=1e-5)


@pytest.mark.parametrize("architecture", NETWORKS)
@pytest.mark.parametrize("backend", BACKENDS)
class TestEveryNetworkOnEveryBackend:
    def test_training_changes_every_weight_but_the_frozen_ones(
        self, trainers: Trainers, small: Path, tmp_path: Path, backend: str, architecture: str
    ) -> None:
        for epochs in (0, 1):
            train_network(trainers(backend), small, tmp_path / f"{epochs}.h5", architecture=architecture, epochs=epochs)
        before, after = (read(tmp_path / f"{epochs}.h5").weights for epochs in (0, 1))
        same = {layer for layer in after if any((a == b).all() for a, b in zip(before[layer], after[layer], strict=True))}
        assert same == {layer for layer in after if layer in FROZEN}
        assert after["present"][0].ravel().tolist() == [0] + [1] * (len(after["present"][0]) - 1)

    def test_the_scorer_agrees_with_the_backend_that_trained(
        self, trainers: Trainers, small: Path, tmp_path: Path, backend: str, architecture: str
    ) -> None:
        (epoch,) = train_network(trainers(backend), small, tmp_path / "model.h5", architecture=architecture, epochs=1)
        data = prepared.read(small)
        words = data.words.take(data.rows(VALIDATION))
        outputs = Scorer(tmp_path / "model.h5").outputs(data.encoder.encode_numbers(words))
        np.testing.assert_allclose(outputs["network_logit"], epoch.val_logits, rtol=0, atol=1e-4)
        np.testing.assert_allclose(outputs["score"], sigmoid(np.array(epoch.val_logits)), rtol=0, atol=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("backend", BACKENDS)
class TestPaddingOfEveryArchitecture:
    def test_padding_does_not_matter(self, trainers: Trainers, models: Models, tmp_path: Path, backend: str, architecture: str) -> None:
        """Each review by itself, unpadded, and beside a longer one that has it padded."""
        model = models(backend, architecture).path
        reviews = random_reviews(LENGTHS, read(model).encoder)
        score = trainers(backend).score
        together = score(model, write_ids(tmp_path / "all.h5", reviews))
        assert len(set(together.scores.round(6))) > len(LENGTHS) / 2
        for at in range(0, len(LENGTHS), 2):
            alone = score(model, write_ids(tmp_path / f"{at}.h5", reviews.take(np.array([at]))))
            assert_same_scores(alone, Scores(together.scores[[at]], together.network_logits[at : at + 1]))

    def test_the_scorer_does_not_mind_padding_or_company(self, models: Models, backend: str, architecture: str) -> None:
        scorer = Scorer(models(backend, architecture).path)
        reviews = random_reviews(LENGTHS, scorer.model.encoder)
        long = random_reviews([400], scorer.model.encoder)
        company = Encoded(concatenate([reviews.tokens, long.tokens]), concatenate([reviews.ngrams, long.ngrams]))
        together, by_themselves = scorer.outputs(company), scorer.outputs(reviews)
        for name, atol in (("score", 1e-6), ("network_logit", 1e-5), ("ngrams_logit", 1e-5)):
            if name in together:
                np.testing.assert_allclose(by_themselves[name], together[name][:-1], rtol=0, atol=atol)
                for at in range(len(LENGTHS)):
                    alone = scorer.outputs(reviews.take(np.array([at])))[name]
                    np.testing.assert_allclose(alone, together[name][[at]], rtol=0, atol=atol)


@pytest.mark.parametrize(("architecture", "ngrams"), KINDS)
@pytest.mark.parametrize("backend", BACKENDS)
class TestEveryModelOnEveryBackend:
    def test_it_scores_the_same_on_all(
        self, trainers: Trainers, models: Models, tmp_path: Path, backend: str, architecture: str, ngrams: int
    ) -> None:
        model = models(backend, architecture, ngrams).path
        scorer = Scorer(model)
        reviews = random_reviews(LENGTHS, scorer.model.encoder)
        path, outputs = write_ids(tmp_path / "reviews.h5", reviews), scorer.outputs(reviews)
        for other in BACKENDS:
            scored = trainers(other).score(model, path)
            np.testing.assert_allclose(scored.scores, outputs["score"], rtol=0, atol=1e-5, err_msg=other)
            logits = outputs.get("network_logit", np.empty(0))
            np.testing.assert_allclose(scored.network_logits, logits, rtol=0, atol=1e-4, err_msg=other)

    def test_the_file_has_what_was_learned(self, models: Models, small: Path, backend: str, architecture: str, ngrams: int) -> None:
        """The n-grams as the driver fits them, and the combination with the weights that are logged."""
        path, trained = models(backend, architecture, ngrams)
        model, data, scorer = read(path), prepared.read(small), Scorer(path)
        has_network = architecture in NETWORKS
        if not ngrams:
            assert (trained.summary["network_weight"], trained.summary["ngrams_weight"]) == (1, 0)
            assert "ngrams_logit" not in model.weights
            return
        beside = ngram_regression.fit(data, ngrams, 1).model
        assert_same_encoder(model.encoder, data.encoder.with_ngrams(beside.ngrams))
        np.testing.assert_array_equal(model.weights["ngram_weights"][0][:, 0], beside.weights)
        reviews = model.encoder.encode(data.test_texts)
        outputs = scorer.outputs(reviews)
        np.testing.assert_allclose(outputs["ngrams_logit"], beside.logits(reviews.ngrams), rtol=0, atol=1e-5)
        weights = trained.summary["network_weight"], trained.summary["ngrams_weight"]
        if not has_network:
            assert weights == (0, 1)
            assert "network_logit" not in outputs
            np.testing.assert_allclose(outputs["score"], sigmoid(outputs["ngrams_logit"]), rtol=0, atol=1e-6)
            return
        shares, intercept = model.weights["combined_logit"]
        np.testing.assert_allclose(shares[:, 0], weights, rtol=1e-6)
        logits = outputs["network_logit"] * weights[0] + outputs["ngrams_logit"] * weights[1] + intercept
        np.testing.assert_allclose(outputs["score"], sigmoid(logits), rtol=0, atol=1e-6)

    def test_what_is_fitted_elsewhere_is_frozen(self, models: Models, backend: str, architecture: str, ngrams: int) -> None:
        """As the file says it, to whoever trains the model further by Keras."""
        model = read(models(backend, architecture, ngrams).path)
        frozen = {layer["config"]["name"] for layer in model.graph["layers"] if layer["config"].get("trainable") is False}
        assert frozen == {layer for layer, weights in model.weights.items() if weights and layer in FROZEN}


OPEN_WITH_KERAS = """
import json, sys
import keras, numpy as np
out = {}
for path, padded in json.loads(sys.stdin.read()):
    model = keras.models.load_model(path)
    arrays = {name: np.array(rows, "int32") for name, rows in padded.items()}
    out[path] = np.asarray(model.predict_on_batch([arrays[i.name.split(":")[0]] for i in model.inputs]))[:, 0].tolist()
print(json.dumps(out))
"""


@pytest.mark.parametrize("opener", [name for name in BACKENDS if name != "cntk"])
def test_keras_opens_every_model_by_itself(models: Models, opener: str) -> None:
    """`keras.models.load_model`, with nothing of this project on the path."""
    jobs, expected = [], {}
    for backend in BACKENDS:
        for architecture, ngrams in KINDS:
            path = models(backend, architecture, ngrams).path
            scorer = Scorer(path)
            reviews = random_reviews(LENGTHS, scorer.model.encoder)
            padded = {name: np.pad(pad(reviews), ((0, 0), (0, 5))) for name, pad in PADDED.items()}
            jobs.append((str(path), {name: array.tolist() for name, array in padded.items()}))
            expected[str(path)] = scorer.score_ids(reviews)
    environment = {**os.environ, "KERAS_BACKEND": opener, "PYTHONPATH": "", "TF_CPP_MIN_LOG_LEVEL": "2"}
    command = [str(ALL[opener].interpreter()), "-c", OPEN_WITH_KERAS]
    done = subprocess.run(command, input=json.dumps(jobs), env=environment, cwd="/", capture_output=True, text=True, check=True)
    opened = json.loads(done.stdout.splitlines()[-1])
    for name, scores in expected.items():
        np.testing.assert_allclose(opened[name], scores, rtol=0, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_same_seed_gives_the_same_weights(models: Models, small: Path, tmp_path: Path, backend: str) -> None:
    """In another process, and in another order."""
    with Trainer(ALL[backend]) as trainer:
        for architecture in reversed(ARCHITECTURES):
            train_small(trainer, small, tmp_path / f"{architecture}.h5", architecture=architecture, epochs=2)
    for architecture in ARCHITECTURES:
        first, second = read(models(backend, architecture).path).weights, read(tmp_path / f"{architecture}.h5").weights
        assert first.keys() == second.keys()
        for layer, weights in first.items():
            for a, b in zip(weights, second[layer], strict=True):
                np.testing.assert_array_equal(a, b, err_msg=f"{architecture} {layer}")


def distinct_words(folder: Path) -> Path:
    """A `prepared.h5` of 50 training reviews without a word twice in any: where the greatest value of a filter occurs twice, the gradient
    goes to both in full on CNTK, and in halves elsewhere.
    """
    random = np.random.default_rng(0)
    splits = ["train"] * 50 + ["validation"] * 4 + ["test"] * 4
    words = np.array([f"word{number}" for number in range(60)])
    rows = [f"{' '.join(random.permutation(words)[: random.integers(5, 40)])},{at % 2},{split}" for at, split in enumerate(splits)]
    (folder / "reviews.csv").write_text("\n".join(["text,label,split", *rows]))
    settings = PrepareSettings(reviews=str(folder / "reviews.csv"))
    prepared.write(preparing.prepare(find_source(settings), settings)[0], folder / "prepared.h5")
    return folder / "prepared.h5"


@pytest.mark.parametrize("architecture", NETWORKS)
def test_three_steps_of_adam_are_the_same_on_every_backend(trainers: Trainers, tmp_path: Path, architecture: str) -> None:
    """From the same weights and without dropout; the last of the batches is filled up with rows that don't count."""
    data, start, size = distinct_words(tmp_path), tmp_path / "start.h5", 23
    reviews = files.read_prepared(str(data), TRAIN)
    within = batches.buckets(reviews, size, 3, 8)
    assert [len(batch.rows) for batch in batches.in_order(within, size)] == [23, 23, 4]
    train_network(trainers("tensorflow"), data, start, architecture=architecture, epochs=2)
    before, learned = read(start).weights, {}
    for backend in BACKENDS:
        path = tmp_path / f"{backend}.h5"
        plain: dict[str, float | str] = {
            "architecture": architecture,
            "dropout": 0,
            "weight_average": 0,
            "batch_size": size,
            "learning_rate": 0.002,
        }
        train_network(trainers(backend), data, path, start, epochs=1, **plain)
        learned[backend] = read(path).weights
    for layer, weights in before.items():
        for place, old in enumerate(weights):
            expected = learned["tensorflow"][layer][place]
            assert layer in FROZEN or np.abs(expected - old).max() > 1e-4, layer
            for backend in BACKENDS:
                np.testing.assert_allclose(learned[backend][layer][place], expected, rtol=0, atol=1e-5, err_msg=f"{backend} {layer}")


def sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-x)))


def lstm_by_hand(steps: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    """Hochreiter & Schmidhuber's LSTM with forget gate: `[time, channels]` to the outputs `[time, units]`, in float64."""
    kernel, recurrent, bias = (array.astype(np.float64) for array in weights)
    output = state = np.zeros(len(recurrent))
    outputs = []
    for step in steps:
        i, f, c, o = np.split(step @ kernel + output @ recurrent + bias, 4)
        state = sigmoid(f) * state + sigmoid(i) * np.tanh(c)
        output = sigmoid(o) * np.tanh(state)
        outputs.append(output)
    return np.array(outputs)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_bilstm_is_what_numpy_computes(trainers: Trainers, models: Models, tmp_path: Path, backend: str) -> None:
    path = models(backend, "bilstm").path
    model: ModelFile = read(path)
    reviews = random_reviews(LENGTHS, model.encoder)
    network, ngrams = np.empty(len(LENGTHS)), np.empty(len(LENGTHS))
    for at in range(len(LENGTHS)):
        tokens = reviews.tokens.row(at)
        sides = [
            lstm_by_hand(model.weights["words"][0][order].astype(np.float64), model.weights[f"lstm_{name}"]).max(axis=0)
            for name, order in (("forward", tokens), ("backward", tokens[::-1]))
        ]
        kernel, bias = model.weights["network_logit"]
        network[at] = np.concatenate(sides) @ kernel[:, 0] + bias[0]
        ngrams[at] = model.weights["ngram_weights"][0][reviews.ngrams.row(at)].sum() + model.weights["ngrams_logit"][1][0]
    shares, intercept = model.weights["combined_logit"]
    scores = sigmoid(network * shares[0] + ngrams * shares[1] + intercept)
    scored = trainers(backend).score(path, write_ids(tmp_path / "ids.h5", reviews))
    np.testing.assert_allclose(scored.network_logits, network, rtol=0, atol=1e-5)
    np.testing.assert_allclose(scored.scores, scores, rtol=0, atol=1e-6)


def test_a_model_file_says_what_it_is(models: Models, small: Path) -> None:
    path = models("cntk", "cnn").path
    model, data = read(path), prepared.read(small)
    assert model.backend == "cntk"
    assert (model.encoder.settings, model.encoder.vocabulary) == (data.encoder.settings, data.encoder.vocabulary)
    assert model.label_names == ("negative", "positive")
    assert model.data_fingerprint == data.data_fingerprint
    assert model.settings["filters"] == SIZES["filters"]
    with h5py.File(path) as file:
        assert "optimizer_weights" not in file
        assert file["sentiment"].attrs["format"] == model_file.FORMAT


def test_an_empty_review_has_a_score(models: Models) -> None:
    scorer = Scorer(models("tensorflow", "cnn-lstm").path)
    scores = scorer.score(["", "   ", "<br />"])
    assert np.isfinite(scores).all()
    assert len(set(scores.tolist())) == 1
    assert len(scorer.score([])) == 0
    assert len(scorer.score_ids(scorer.model.encoder.encode([]))) == 0
