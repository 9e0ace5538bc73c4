"""Models that earlier versions of this project wrote."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from sentiment.model import model_file
from sentiment.model.earlier_names import NEW_NAMES
from sentiment.model.scorer import Scorer
from sentiment.settings import BACKENDS
from sentiment.text.vocabulary import FIRST_WORD
from sentiment.training.trainer_process import write_ids
from tests.trained import Trainers, train_network

from .old_models import FOLDER

pytestmark = pytest.mark.slow

# Kept models of this project, and what their files say that they are. The first is of the time before n-grams.
FORMATS = {
    "cntk-bilstm": "sentiment-model-1",
    "model-1-bilstm": "sentiment-model-1",
    "default-bilstm": "sentiment-model-2",
    "model-2-cnn": "sentiment-model-2",
    "model-2-cnn-lstm": "sentiment-model-2",
    "model-3-bilstm": "sentiment-model-3",
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_kept_model_scores_as_it_did(name: str, trainers: Trainers, tmp_path: Path) -> None:
    """Each has its script in `tests/fixtures`, and the texts and scores that this wrote with it."""
    path = FOLDER / f"{name}.h5"
    kept: dict[str, list[Any]] = json.loads(path.with_suffix(".json").read_text())
    scorer = Scorer(path)
    assert scorer.model.backend == ("tensorflow" if "cnn" in name else "cntk")
    assert not {layer["config"]["name"] for layer in scorer.model.graph["layers"]} & set(NEW_NAMES)
    encoded = scorer.model.encoder.encode(kept["texts"])
    outputs = scorer.outputs(encoded)
    with h5py.File(path) as file:
        assert file["sentiment"].attrs["format"] == FORMATS[name]
    np.testing.assert_allclose(scorer.score(kept["texts"]), kept["scores"], rtol=0, atol=1e-5)
    for part in ("network_logit", "ngrams_logit"):
        if f"{part}s" in kept:
            np.testing.assert_allclose(outputs[part], kept[f"{part}s"], rtol=0, atol=1e-4)
    ids = write_ids(tmp_path / "ids.h5", encoded)
    for backend in BACKENDS:
        scored = trainers(backend).score(path, ids)
        np.testing.assert_allclose(scored.scores, kept["scores"], rtol=0, atol=1e-5, err_msg=backend)
        logits = kept.get("network_logits", outputs.get("network_logit", scored.network_logits))
        np.testing.assert_allclose(scored.network_logits, logits, rtol=0, atol=1e-4, err_msg=backend)


@pytest.mark.parametrize("name", [name for name in FORMATS if "bilstm" in name])
def test_a_training_starts_from_a_kept_model(name: str, trainers: Trainers, small: Path, tmp_path: Path) -> None:
    start = FOLDER / f"{name}.h5"
    sizes = {"embedding_size": 8, "lstm_size": 8}
    train_network(trainers("tensorflow"), small, tmp_path / "model.h5", start, architecture="bilstm", epochs=0, **sizes)
    kept, started = model_file.read(start), model_file.read(tmp_path / "model.h5")
    for layer in ("lstm_forward", "lstm_backward"):
        for one, other in zip(kept.weights[layer], started.weights[layer], strict=True):
            np.testing.assert_array_equal(one, other)
    shared = set(kept.encoder.vocabulary) & set(started.encoder.vocabulary)
    assert len(shared) > 50
    for word in shared:
        rows = [model.weights["embedding"][0][FIRST_WORD + model.encoder.vocabulary.index(word)] for model in (kept, started)]
        np.testing.assert_array_equal(*rows)
