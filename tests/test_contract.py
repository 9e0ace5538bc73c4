"""What every architecture keeps on every backend, tried on real ones."""

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from sentiment import prepared
from sentiment.backends import ALL
from sentiment.model_file import ModelFile, read
from sentiment.ngram_weights import NgramWeights
from sentiment.ragged import concatenate
from sentiment.reviews.batch import TRAIN, VALIDATION
from sentiment.scorer import PADDED, Scorer
from sentiment.settings import ARCHITECTURES, BACKENDS, TrainSettings
from sentiment.text import Encoded
from sentiment.trainer_process import Epoch, Trainer, Verdict, write_ids
from tests.conftest import assert_same_encoder, random_reviews

Trainers = Callable[[str], Trainer]
SIZES = {"embedding_size": 8, "lstm_size": 6, "filters": 7, "dense_size": 5, "batch_size": 16, "learning_rate": 0.01}
FROZEN = ("present", "ratios", "ngram_weights", "weighed_logit")
LENGTHS = [1, 2, 3, 5, 9, 17, 30, 39, 40]


def train(trainer: Trainer, small: Path, path: Path, architecture: str, epochs: int) -> list[Epoch]:
    settings = asdict(TrainSettings(backend=trainer.backend.name, architecture=architecture, **SIZES)) | {"epochs": epochs}  # type: ignore[arg-type]
    heard: list[Epoch] = []

    def keep(epoch: Epoch) -> Verdict:
        heard.append(epoch)
        return Verdict(keep=True, stop=False)

    trainer.train(small, path, settings, [TRAIN], keep)
    return heard


def weigh_ngrams(path: Path, learned: NgramWeights) -> None:
    """Replaces in a model what its n-grams say."""
    with h5py.File(path, "r+") as file:
        layers = file["model_weights"]
        data = {(layer, array.shape): array for layer in ("ratios", "ngram_weights", "weighed_logit") for array in arrays(layers[layer])}
        rows = len(learned.ratios), 1
        data["ratios", rows][:, 0], data["ngram_weights", rows][:, 0] = learned.ratios, learned.weights
        data["weighed_logit", (1,)][0] = learned.bias


def arrays(group: h5py.Group) -> list[h5py.Dataset]:
    found: list[h5py.Dataset] = []
    group.visititems(lambda name, item: found.append(item) if isinstance(item, h5py.Dataset) else None)
    return found


@pytest.fixture(scope="module")
def models(trainers: Trainers, small: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """A model of each architecture, trained for two epochs on each backend."""
    folder = tmp_path_factory.mktemp("models")

    def get(backend: str, architecture: str) -> Path:
        path = folder / f"{backend}-{architecture}.h5"
        if not path.exists():
            train(trainers(backend), small, path, architecture, 2)
        return path

    return get


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("backend", BACKENDS)
class TestEveryArchitectureOnEveryBackend:
    def test_training_changes_every_weight_but_the_frozen_ones(
        self, trainers: Trainers, small: Path, tmp_path: Path, backend: str, architecture: str
    ) -> None:
        train(trainers(backend), small, tmp_path / "before.h5", architecture, 0)
        train(trainers(backend), small, tmp_path / "after.h5", architecture, 1)
        before, after = read(tmp_path / "before.h5").weights, read(tmp_path / "after.h5").weights
        same = {layer for layer in after if any((a == b).all() for a, b in zip(before[layer], after[layer], strict=True))}
        assert same == {layer for layer in after if layer in FROZEN or layer.startswith("lower_")}
        assert after["present"][0].ravel().tolist() == [0] + [1] * (len(after["present"][0]) - 1)

    def test_the_scorer_agrees_with_the_backend_that_trained(
        self, trainers: Trainers, small: Path, tmp_path: Path, backend: str, architecture: str
    ) -> None:
        heard = train(trainers(backend), small, tmp_path / "model.h5", architecture, 1)
        data = prepared.read(small)
        all_labels, training_labels = data.ngram_weights[TRAIN, VALIDATION], data.ngram_weights[TRAIN,]
        assert (read(tmp_path / "model.h5").weights["ngram_weights"][0][:, 0] == all_labels.weights).all()
        weigh_ngrams(tmp_path / "model.h5", training_labels)  # which the epoch was judged with
        scores = Scorer(tmp_path / "model.h5").score_ids(data.reviews.take(data.rows(VALIDATION)))
        np.testing.assert_allclose(scores, heard[-1].val_scores, rtol=0, atol=1e-5)

    def test_padding_does_not_matter(
        self, trainers: Trainers, models: Callable[[str, str], Path], tmp_path: Path, backend: str, architecture: str
    ) -> None:
        """Each review by itself, unpadded, and beside a longer one that has it padded."""
        model = models(backend, architecture)
        reviews = random_reviews(LENGTHS, read(model).encoder)
        score = trainers(backend).score
        together = score(model, write_ids(tmp_path / "all.h5", reviews))
        for at in range(len(LENGTHS)):
            alone = score(model, write_ids(tmp_path / f"{at}.h5", reviews.take(np.array([at]))))
            assert alone[0] == pytest.approx(together[at], abs=1e-6)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_model_of_any_backend_scores_the_same_on_all(
    trainers: Trainers, models: Callable[[str, str], Path], tmp_path: Path, backend: str, architecture: str
) -> None:
    model = models(backend, architecture)
    scorer = Scorer(model)
    reviews = random_reviews(LENGTHS, scorer.model.encoder)
    path = write_ids(tmp_path / "reviews.h5", reviews)
    for other in BACKENDS:
        np.testing.assert_allclose(trainers(other).score(model, path), scorer.score_ids(reviews), rtol=0, atol=1e-5, err_msg=other)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_scorer_does_not_mind_padding_or_company(models: Callable[[str, str], Path], backend: str, architecture: str) -> None:
    scorer = Scorer(models(backend, architecture))
    reviews = random_reviews(LENGTHS, scorer.model.encoder)
    long = random_reviews([400], scorer.model.encoder)
    company = Encoded(concatenate([reviews.tokens, long.tokens]), concatenate([reviews.ngrams, long.ngrams]))
    together = scorer.score_ids(company)
    for at in range(len(LENGTHS)):
        np.testing.assert_allclose(scorer.score_ids(reviews.take(np.array([at]))), together[at], rtol=0, atol=1e-6)
    np.testing.assert_allclose(scorer.score_ids(reviews), together[:-1], rtol=0, atol=1e-6)


OPEN_WITH_KERAS = """
import json, sys
import keras, numpy as np
out = {}
for path, given in json.loads(sys.stdin.read()):
    model = keras.models.load_model(path)
    arrays = {name: np.array(rows, "int32") for name, rows in given.items()}
    out[path] = np.asarray(model.predict_on_batch([arrays[i.name.split(":")[0]] for i in model.inputs]))[:, 0].tolist()
print(json.dumps(out))
"""


@pytest.mark.parametrize("opener", [name for name in BACKENDS if name != "cntk"])
def test_keras_opens_every_model_by_itself(models: Callable[[str, str], Path], opener: str) -> None:
    """`keras.models.load_model`, with nothing of this project on the path."""
    jobs, expected = [], {}
    for backend in BACKENDS:
        for architecture in ARCHITECTURES:
            path = models(backend, architecture)
            scorer = Scorer(path)
            reviews = random_reviews(LENGTHS, scorer.model.encoder)
            padded = {name: np.pad(give(reviews), ((0, 0), (0, 5))) for name, give in PADDED.items()}
            jobs.append((str(path), {name: array.tolist() for name, array in padded.items()}))
            expected[str(path)] = scorer.score_ids(reviews)
    environment = {**os.environ, "KERAS_BACKEND": opener, "PYTHONPATH": "", "TF_CPP_MIN_LOG_LEVEL": "2"}
    command = [str(ALL[opener].interpreter()), "-c", OPEN_WITH_KERAS]
    done = subprocess.run(command, input=json.dumps(jobs), env=environment, cwd="/", capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    for name, scores in expected.items():
        np.testing.assert_allclose(found[name], scores, rtol=0, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_same_seed_gives_the_same_weights(models: Callable[[str, str], Path], small: Path, tmp_path: Path, backend: str) -> None:
    """In another process, and in another order."""
    with Trainer(ALL[backend]) as trainer:
        for architecture in reversed(ARCHITECTURES):
            train(trainer, small, tmp_path / f"{architecture}.h5", architecture, 2)
    for architecture in ARCHITECTURES:
        first, second = read(models(backend, architecture)).weights, read(tmp_path / f"{architecture}.h5").weights
        for layer, weights in first.items():
            for a, b in zip(weights, second[layer], strict=True):
                np.testing.assert_array_equal(a, b, err_msg=f"{architecture} {layer}")


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
def test_a_bilstm_is_what_numpy_computes(trainers: Trainers, models: Callable[[str, str], Path], tmp_path: Path, backend: str) -> None:
    path = models(backend, "bilstm")
    model: ModelFile = read(path)
    reviews = random_reviews(LENGTHS, model.encoder)
    expected = []
    for at in range(len(LENGTHS)):
        tokens, ngrams = reviews.tokens.row(at), reviews.ngrams.row(at)
        sides = [
            lstm_by_hand(model.weights["words"][0][order].astype(np.float64), model.weights[f"lstm_{name}"]).max(axis=0)
            for name, order in (("forward", tokens), ("backward", tokens[::-1]))
        ]
        kernel, bias = model.weights["network_logit"]
        weighed = model.weights["ratios"][0][ngrams] * model.weights["ngram_weights"][0][ngrams]
        shares, added = model.weights["weighed_logit"]
        logits = [np.concatenate(sides) @ kernel[:, 0] + bias[0], weighed.sum()]
        expected.append(sigmoid(logits @ shares[:, 0] + added[0]))
    np.testing.assert_allclose(trainers(backend).score(path, write_ids(tmp_path / "ids.h5", reviews)), expected, rtol=0, atol=1e-6)


def test_a_kept_model_of_cntk_still_scores_the_same(trainers: Trainers, tmp_path: Path) -> None:
    """`tests/fixtures/make_cntk_model.py` wrote both files."""
    folder = Path(__file__).parent / "fixtures"
    kept: dict[str, Any] = json.loads((folder / "cntk-bilstm.json").read_text())
    scorer = Scorer(folder / "cntk-bilstm.h5")
    assert scorer.model.backend == "cntk"
    np.testing.assert_allclose(scorer.score(kept["texts"]), kept["scores"], rtol=0, atol=1e-5)
    ids = write_ids(tmp_path / "ids.h5", scorer.model.encoder.encode(kept["texts"]))
    np.testing.assert_allclose(np.array(trainers("cntk").score(folder / "cntk-bilstm.h5", ids)), kept["scores"], rtol=0, atol=1e-5)


def test_a_model_file_says_what_it_is(models: Callable[[str, str], Path], small: Path) -> None:
    model = read(models("cntk", "cnn"))
    data = prepared.read(small)
    assert model.backend == "cntk"
    assert_same_encoder(model.encoder, data.encoder)
    assert model.label_names == ("negative", "positive")
    assert model.data_fingerprint == data.data_fingerprint
    assert model.settings["filters"] == SIZES["filters"]
    with h5py.File(models("cntk", "cnn")) as file:
        assert "optimizer_weights" not in file


def test_an_empty_review_has_a_score(models: Callable[[str, str], Path]) -> None:
    scorer = Scorer(models("tensorflow", "cnn-lstm"))
    scores = scorer.score(["", "   ", "<br />"])
    assert np.isfinite(scores).all()
    assert len(set(scores.tolist())) == 1
    assert len(scorer.score([])) == 0
    assert len(scorer.score_ids(scorer.model.encoder.encode([]))) == 0
