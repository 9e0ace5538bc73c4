"""Models that Keras 1 and 2 saved, which `tests/fixtures/make_old_models.py` wrote: what they score here, and what is refused."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from sentiment.errors import UserError
from sentiment.model.scorer import Scorer
from sentiment.ragged import from_lengths
from sentiment.settings import BACKENDS
from sentiment.text.keras_1_2 import read_words
from sentiment.text.vocabulary import Encoded
from sentiment.training.trainer_process import Trainer, write_ids

from .old_models import FOLDER, KEPT, LENGTH, Config, change, convert, layers, rewritten

pytestmark = pytest.mark.slow

Trainers = Callable[[str], Trainer]


def change_kernel(edit: Callable[[np.ndarray], np.ndarray], **attributes: bytes) -> Callable[[h5py.Group], None]:
    """Gives the convolution another kernel, and the file these attributes."""

    def edited(group: h5py.Group) -> None:
        (part,) = [part for name, part in group.items() if name.startswith("conv1d")]
        name = part.attrs["weight_names"][0]
        kernel = edit(part[name][()])
        del part[name]
        part[name] = kernel
        group.attrs.update(attributes)

    return edited


def as_keras_2_3(saved: Config) -> None:
    saved["config"] = {"name": "sequential_1", "layers": saved["config"]}
    for layer in saved["config"]["layers"]:
        layer["config"]["dtype"] = "float32"
    for kind in ("Conv1D", "MaxPooling1D"):
        change(kind, data_format="channels_last")(saved)


@pytest.mark.parametrize("name", KEPT["scores"])
def test_an_old_model_scores_as_it_did(name: str, trainers: Trainers, tmp_path: Path) -> None:
    """In the scorer, and on every backend, where Keras 3 opens the file by itself."""
    path = convert(FOLDER / name, tmp_path)
    scorer = Scorer(path)
    np.testing.assert_allclose(scorer.score(KEPT["texts"]), KEPT["scores"][name], rtol=0, atol=1e-6)
    ids = write_ids(tmp_path / "ids.h5", scorer.model.encoder.encode(KEPT["texts"]))
    np.testing.assert_allclose(trainers("cntk").score(FOLDER / name, ids).scores, KEPT["scores"][name], rtol=0, atol=1e-6)
    for backend in BACKENDS:
        scored = trainers(backend).score(path, ids)
        np.testing.assert_allclose(scored.scores, KEPT["scores"][name], rtol=0, atol=1e-5, err_msg=backend)
        assert not len(scored.network_logits)


@pytest.mark.parametrize(
    ("name", "edit", "edit_weights"),
    [
        ("old-lstm.h5", as_keras_2_3, lambda group: None),
        ("old-lstm.h5", change("Embedding", batch_input_shape=[None, None]), lambda group: None),
        ("old-cnn.h5", lambda saved: None, change_kernel(lambda kernel: kernel[::-1], backend=b"theano")),
        ("old-keras-1-cnn.h5", lambda saved: None, change_kernel(lambda kernel: kernel.transpose(3, 2, 0, 1))),
    ],
    ids=["Keras 2.3", "any length", "Theano", "Keras 1.1"],
)
def test_other_forms_of_the_same_model(
    name: str, edit: Callable[[Config], None], edit_weights: Callable[[h5py.Group], None], trainers: Trainers, tmp_path: Path
) -> None:
    old = rewritten(name, tmp_path, edit, edit_weights)
    scorer = Scorer(convert(old, tmp_path))
    np.testing.assert_allclose(scorer.score(KEPT["texts"]), KEPT["scores"][name], rtol=0, atol=1e-6)
    ids = write_ids(tmp_path / "ids.h5", scorer.model.encoder.encode(KEPT["texts"]))
    np.testing.assert_allclose(trainers("cntk").score(old, ids).scores, KEPT["scores"][name], rtol=0, atol=1e-6)


def test_gates_that_are_open_or_shut(trainers: Trainers, tmp_path: Path) -> None:
    """With large weights, where hard_sigmoid is 0 or 1 and its slope matters most, Keras 2.1.6 still says the same."""

    def enlarge(group: h5py.Group) -> None:
        for part in (part for name, part in group.items() if name.startswith("lstm")):
            for name in part.attrs["weight_names"]:
                part[name][...] = part[name][()] * 5

    old = rewritten("old-branches.h5", tmp_path, edit_weights=enlarge)
    rows = np.random.default_rng(1).integers(0, 200, (64, LENGTH)).astype(np.int32)
    reviews = Encoded(from_lengths(rows.ravel(), np.full(64, LENGTH)), from_lengths(np.empty(0, np.int32), np.zeros(64, np.int64)))
    scores = Scorer(convert(old, tmp_path)).score_ids(reviews)
    assert np.ptp(scores) > 0.2
    scored = trainers("cntk").score(old, write_ids(tmp_path / "ids.h5", reviews))
    np.testing.assert_allclose(scored.scores, scores, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (change("LSTM", go_backwards=True), "go_backwards"),
        (change("LSTM", stateful=True), "stateful=True"),
        (change("LSTM", recurrent_activation="relu"), "recurrent_activation relu"),
        (change("Embedding", mask_zero=True), "mask_zero=True"),
        (change("Conv1D", padding="causal"), "padding=causal"),
        (change("Conv1D", dilation_rate=[2]), "dilation_rate"),
        (change("Conv1D", activation="elu"), "elu"),
        (change("Conv1D", activation={"class_name": "Lambda"}), "Lambda"),
        (change("Dense", activation="linear"), "not one probability"),
        (change("Dense", units=2), "not one probability"),
        (lambda saved: layers(saved)[1].update({"class_name": "Lambda"}), "Lambda"),
        (lambda saved: layers(saved)[1].pop("config"), "'config'"),
        (lambda saved: layers(saved).clear(), "can't be read"),
        (lambda saved: layers(saved)[-2]["config"].update(name="another"), "arrays of weights"),
    ],
)
def test_what_can_not_be_brought_in_is_refused(edit: Callable[[Config], None], said: str, tmp_path: Path) -> None:
    old = rewritten("old-lstm.h5", tmp_path, edit)
    with pytest.raises(UserError, match=said):
        Scorer(convert(old, tmp_path))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"a": 0}', '{"a": 1.5}', '{"a": "1"}', '{"a": 1, "b": 1}', "\xff"])
def test_a_vocabulary_has_a_rank_for_each_word(content: str, tmp_path: Path) -> None:
    (tmp_path / "words.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(UserError, match=r"words\.json"):
        read_words(tmp_path / "words.json", 200)


def test_ranks_may_have_gaps_and_rare_words_no_row(tmp_path: Path) -> None:
    (tmp_path / "words.json").write_text('{"rare": 9, "second": 3, "first": 1}')
    assert read_words(tmp_path / "words.json", 8) == ("first", "", "second", "", "rare")
