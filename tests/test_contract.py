"""What every architecture keeps on every backend, tried on real ones."""

import functools
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import pytest

from sentiment.backends.interpreters import ALL
from sentiment.model import model_file
from sentiment.model.model_file import read
from sentiment.model.scorer import PADDED, Scorer
from sentiment.preparation import prepared
from sentiment.ragged import concatenate
from sentiment.reviews.batch import VALIDATION
from sentiment.settings import ARCHITECTURES, BACKENDS, NETWORKS
from sentiment.text.vocabulary import Encoded
from sentiment.training import ngram_regression
from sentiment.training.messages import Epoch, Scores
from sentiment.training.trainer_process import Trainer, write_ids
from tests.trained import FROZEN, LENGTHS, SIZES, Models, Trainers, assert_same_encoder, random_reviews, sigmoid, train_network, train_small

KINDS = [(architecture, 500) for architecture in ARCHITECTURES] + [(architecture, 0) for architecture in NETWORKS]  # and n-grams


def assert_same_scores(one: Scores, other: Scores) -> None:
    np.testing.assert_allclose(one.scores, other.scores, rtol=0, atol=1e-6)
    np.testing.assert_allclose(one.network_logits, other.network_logits, rtol=0, atol=1e-5)


class Network(NamedTuple):
    """Its files before and after one epoch, and what the trainer said of that."""

    before: Path
    after: Path
    epoch: Epoch


@pytest.fixture(scope="module")
def networks(trainers: Trainers, small: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Network]:
    """A network of each architecture by itself, trained on each backend."""
    folder = tmp_path_factory.mktemp("networks")

    @functools.cache
    def get(backend: str, architecture: str) -> Network:
        before, after = (folder / f"{backend}-{architecture}-{epochs}.h5" for epochs in (0, 1))
        train_network(trainers(backend), small, before, architecture=architecture, epochs=0)
        (epoch,) = train_network(trainers(backend), small, after, architecture=architecture, epochs=1)
        return Network(before, after, epoch)

    return get


@pytest.mark.parametrize("architecture", NETWORKS)
@pytest.mark.parametrize("backend", BACKENDS)
class TestEveryNetworkOnEveryBackend:
    def test_training_changes_every_weight_but_the_frozen_ones(
        self, networks: Callable[[str, str], Network], backend: str, architecture: str
    ) -> None:
        network = networks(backend, architecture)
        before, after = read(network.before).weights, read(network.after).weights
        same = {layer for layer in after if any((a == b).all() for a, b in zip(before[layer], after[layer], strict=True))}
        assert same == {layer for layer in after if layer in FROZEN}
        assert after["mask"][0].ravel().tolist() == [0] + [1] * (len(after["mask"][0]) - 1)
        for layer in {"mask_bias_forward", "mask_bias_backward"} & set(after):
            assert [array.ravel().tolist() for array in after[layer]] == [[2], [-2]]

    def test_the_scorer_agrees_with_the_backend_that_trained(
        self, networks: Callable[[str, str], Network], small: Path, backend: str, architecture: str
    ) -> None:
        network = networks(backend, architecture)
        data = prepared.read(small)
        words = data.words.take(data.rows(VALIDATION))
        outputs = Scorer(network.after).outputs(data.encoder.encode_numbers(words))
        np.testing.assert_allclose(outputs["network_logit"], network.epoch.val_logits, rtol=0, atol=1e-4)
        np.testing.assert_allclose(outputs["score"], sigmoid(np.array(network.epoch.val_logits)), rtol=0, atol=1e-5)


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
