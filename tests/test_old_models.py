"""Model files that no run has: those of Keras 1 and 2, which `tests/fixtures/make_old_models.py` wrote, and kept ones of this project."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from sentiment.errors import UserError
from sentiment.model import keras_1_2, model_file
from sentiment.model.scorer import Scorer
from sentiment.ragged import from_lengths
from sentiment.settings import BACKENDS, PrepareSettings, RegisterSettings
from sentiment.steps import import_model, prepare
from sentiment.text.keras_1_2 import read_words
from sentiment.text.vocabulary import FIRST_WORD, Encoded
from sentiment.training.trainer_process import Trainer, write_ids

from .conftest import Launch, all_runs
from .test_contract import train_network

FOLDER = Path(__file__).parent / "fixtures"
WORDS = FOLDER / "old-words.json"
KEPT: dict[str, Any] = json.loads((FOLDER / "old-scores.json").read_text())
# Kept models of this project, and what their files say that they are. The first is of the time before n-grams.
FORMATS = {"cntk-bilstm": "sentiment-model-1", "model-1-bilstm": "sentiment-model-1", "default-bilstm": "sentiment-model-2"}
LENGTH = 40
Trainers = Callable[[str], Trainer]
Config = dict[str, Any]


def convert(old: Path, folder: Path) -> Path:
    path = folder / "model.h5"
    model_file.write(keras_1_2.read(old, WORDS, LENGTH), path)
    return path


def rewritten(
    name: str,
    folder: Path,
    edit: Callable[[Config], None] = lambda saved: None,
    edit_weights: Callable[[h5py.Group], None] = lambda group: None,
) -> Path:
    """A copy of an old file with another configuration, or other weights."""
    path = shutil.copyfile(FOLDER / name, folder / "old.h5")
    with h5py.File(path, "r+") as file:
        saved = json.loads(file.attrs["model_config"])
        edit(saved)
        file.attrs["model_config"] = json.dumps(saved).encode()
        edit_weights(file["model_weights"])
    return path


def layers(saved: Config) -> list[Config]:
    config = saved["config"]
    return config if isinstance(config, list) else config["layers"]


def change(kind: str, **options: Any) -> Callable[[Config], None]:
    """Gives the layers of one kind these options."""

    def edit(saved: Config) -> None:
        found = [layer["config"] for layer in layers(saved) if layer["class_name"] == kind]
        assert found
        for config in found:
            config.update(options)

    return edit


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


@pytest.mark.parametrize("name", FORMATS)
def test_a_kept_model_scores_as_it_did(name: str, trainers: Trainers, tmp_path: Path) -> None:
    """Each has its script in `tests/fixtures`, and the texts and scores that this wrote with it."""
    path = FOLDER / f"{name}.h5"
    kept: dict[str, list[Any]] = json.loads(path.with_suffix(".json").read_text())
    scorer = Scorer(path)
    assert scorer.model.backend == "cntk"
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


@pytest.mark.parametrize("name", FORMATS)
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
        rows = [model.weights["words"][0][FIRST_WORD + model.encoder.vocabulary.index(word)] for model in (kept, started)]
        np.testing.assert_array_equal(*rows)


@pytest.fixture
def data(store: str, tmp_path: Path) -> prepare.PreparedRun:
    """A prepare run of the bundled reviews."""
    mlflow.set_experiment(experiment_id=mlflow.create_experiment("old", artifact_location=str(tmp_path / "artifacts")))
    return prepare.run(PrepareSettings(vocabulary_size=500))


@pytest.mark.usefixtures("data")
def test_a_model_that_would_score_otherwise_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """If the gates were taken as Keras 3's, or the file has what is no number."""
    settings = RegisterSettings(vocabulary=str(WORDS))

    def spoil(group: h5py.Group) -> None:
        part = group["dense_3"]
        part[part.attrs["weight_names"][1]][...] = np.nan

    with pytest.raises(UserError, match="dense_3 has weights that are not numbers"):
        import_model.check(rewritten("old-lstm.h5", tmp_path, edit_weights=spoil), settings)
    monkeypatch.setattr(keras_1_2, "GATES", np.ones(4))
    with pytest.raises(UserError, match=r"would not score as it did: by up to \d"):
        import_model.check(FOLDER / "old-lstm.h5", settings)


def runs(store: str, step: str) -> list[mlflow.entities.Run]:
    client = MlflowClient(store)
    return list(client.search_runs([each.experiment_id for each in client.search_experiments()], f"tags.step = '{step}'"))


def test_an_old_model_from_its_file_to_an_explained_score(launch: Launch, store: str, data: prepare.PreparedRun, tmp_path: Path) -> None:
    def do(program: str, *arguments: str) -> str:
        done = launch(f"entry_points.{program}", *arguments, MLFLOW_EXPERIMENT_NAME="old")
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "passed" in do("register", f"--run={FOLDER / 'old-lstm.h5'}", f"--vocabulary={WORDS}")
    (imported,), (registered,) = runs(store, "import"), runs(store, "register")
    assert imported.data.tags["mlflow.parentRunId"] == registered.info.run_id
    assert imported.data.params["keras_version"] == "2.1.6"
    assert imported.data.tags["prepared_run_id"] == registered.data.tags["prepared_run_id"] == data.run_id
    version = MlflowClient(store).get_model_version_by_alias("sentiment", "champion")
    assert version.run_id == imported.info.run_id
    assert float(version.tags["largest_difference"]) == imported.data.metrics["largest_difference"] < 1e-5

    model: Any = mlflow.pyfunc.load_model("models:/sentiment@champion")
    answer = model.predict(pd.DataFrame({"reviewText": KEPT["texts"]}), params={"explain": True})
    np.testing.assert_allclose(answer["score"], KEPT["scores"]["old-lstm.h5"], rtol=0, atol=1e-6)
    scorer = Scorer(Path(mlflow.artifacts.download_artifacts(run_id=imported.info.run_id, artifact_path="model.h5")))
    text = KEPT["texts"][1]
    (found,) = [word["weight"] for word in answer["words"][1] if word["word"] == "dull"]
    without = scorer.score([text, text.replace("Dull", next(reversed(scorer.model.encoder.vocabulary)))])  # its rarest word has no row
    assert found == pytest.approx(float(without[0] - without[1]), abs=1e-5)

    (tmp_path / "texts.csv").write_text("reviewText\ndull\n")
    do("score", f"--input={tmp_path / 'texts.csv'}", f"--model={imported.info.run_id}")
    assert len((tmp_path / "texts.scored.csv").read_text().splitlines()) == 2
    do("parity", f"--run={imported.info.run_id}", "--backends=tensorflow,cntk")
    assert runs(store, "parity")[0].data.metrics["largest_difference"] < 1e-5
    assert "it is the champion already" in do("register", f"--run={imported.info.run_id}")


def test_a_kept_model_of_this_project(launch: Launch, store: str, data: prepare.PreparedRun, tmp_path: Path) -> None:
    """As train leaves it when the server stays away; it is measured on the data that it was trained on, also if newer is there."""
    quick = ("--architecture=cnn", "--epochs=1", "--filters=8", "--dense-size=4")
    assert launch("entry_points.train", f"--prepared={data.path}", *quick, MLFLOW_EXPERIMENT_NAME="old").returncode == 0
    (trained,) = runs(store, "train")
    kept = shutil.copy(mlflow.artifacts.download_artifacts(run_id=trained.info.run_id, artifact_path="model.h5"), tmp_path / "kept.h5")
    prepare.run(PrepareSettings(seed=2))
    done = launch("entry_points.register", f"--run={kept}", "--force=true", MLFLOW_EXPERIMENT_NAME="old")
    assert done.returncode == 0, done.stderr
    (imported,) = runs(store, "import")
    assert imported.data.params["filters"] == "8"
    assert imported.data.tags["prepared_run_id"] == data.run_id
    assert MlflowClient(store).get_model_version_by_alias("sentiment", "champion").run_id == imported.info.run_id


def test_a_kept_model_of_other_data_is_not_measured_on_this(launch: Launch, data: prepare.PreparedRun) -> None:
    other = prepare.run(PrepareSettings(seed=2))
    assert other.run_id != data.run_id
    done = launch("entry_points.register", f"--run={FOLDER / 'cntk-bilstm.h5'}", MLFLOW_EXPERIMENT_ID=mlflow.create_experiment("nothing"))
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert "data_fingerprint" in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--run={old}"], "vocabulary is missing"),
        (["--run={old}", "--vocabulary=/nowhere.json"], "vocabulary=/nowhere.json"),
        (["--run={old}", "--vocabulary={words}"], "First prepare"),
        (["--run={damaged}", "--vocabulary={words}"], "damaged.h5"),
        (["--run=README.md", "--vocabulary={words}"], "README.md"),
        (["--run=/nowhere.h5", "--vocabulary={words}"], "no such run or file"),
        (["--run={old}", "--max-length=1"], "max_length=1"),
    ],
)
def test_what_is_wrong_is_said_before_any_run(launch: Launch, store: str, tmp_path: Path, arguments: list[str], said: str) -> None:
    old = FOLDER / "old-cnn.h5"
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes(old.read_bytes()[:9000])
    done = launch("entry_points.register", *(each.format(old=old, words=WORDS, damaged=damaged) for each in arguments))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert said in line
    assert not all_runs(store)


@pytest.mark.usefixtures("data")
def test_without_the_old_framework_nothing_is_registered(launch: Launch, store: str, tmp_path: Path) -> None:
    nowhere = {
        "XDG_CACHE_HOME": str(tmp_path),
        "PYENV_ROOT": str(tmp_path),
        "HOME": str(tmp_path),
        "CONDA_EXE": "",
        "PATH": "/usr/bin:/bin",
    }
    old = ("entry_points.register", f"--run={FOLDER / 'old-cnn.h5'}", f"--vocabulary={WORDS}")
    done = launch(*old, MLFLOW_EXPERIMENT_NAME="old", **nowhere)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "pyenv install 3.6" in done.stderr
    assert not runs(store, "import") + runs(store, "register")
