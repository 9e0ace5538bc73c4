"""What a network computes and learns, against NumPy and across backends."""

from pathlib import Path

import numpy as np
import pytest

from sentiment.model.model_file import ModelFile, read
from sentiment.preparation import prepared, preparing
from sentiment.reviews import find_source
from sentiment.reviews.batch import TRAIN
from sentiment.settings import BACKENDS, NETWORKS, PrepareSettings
from sentiment.trainer import batches, files
from sentiment.training.trainer_process import write_ids
from tests.trained import FROZEN, LENGTHS, Models, Trainers, random_reviews, sigmoid, train_network


def distinct_words(folder: Path) -> Path:
    """A `prepared.h5` of 50 training reviews without a word twice in any, one in five of them positive.

    Where the greatest value of a filter occurs twice, the gradient goes to both in full on CNTK, and in halves elsewhere.
    """
    random = np.random.default_rng(0)
    splits = ["train"] * 50 + ["validation"] * 4 + ["test"] * 4
    words = np.array([f"word{number}" for number in range(60)])
    rows = [
        f"{' '.join(random.permutation(words)[: random.integers(5, 40)])},{int(at % 5 == 0)},{split}" for at, split in enumerate(splits)
    ]
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
            lstm_by_hand(model.weights["embedding"][0][order].astype(np.float64), model.weights[f"lstm_{name}"]).max(axis=0)
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
