"""Model files that no run has, from the file to the registry."""

import shutil
from pathlib import Path
from typing import Any

import h5py
import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from sentiment.errors import UserError
from sentiment.model import keras_1_2
from sentiment.model.scorer import Scorer
from sentiment.settings import PrepareSettings, RegisterSettings
from sentiment.steps import import_model, prepare
from sentiment.steps.prepared_runs import PreparedRun
from tests.commands import all_runs
from tests.processes import Launch

from .old_models import FOLDER, KEPT, WORDS, rewritten

pytestmark = pytest.mark.slow


@pytest.fixture
def data() -> PreparedRun:
    """A prepare run of the bundled reviews."""
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


def test_an_old_model_from_its_file_to_an_explained_score(call: Launch, store: str, data: PreparedRun, tmp_path: Path) -> None:
    def do(program: str, *arguments: str) -> str:
        done = call(f"entry_points.{program}", *arguments)
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


def test_a_kept_model_of_this_project(call: Launch, store: str, data: PreparedRun, tmp_path: Path) -> None:
    """As train leaves it when the server stays away; it is measured on the data that it was trained on, also if newer is there."""
    quick = ("--backend=cntk", "--architecture=cnn", "--epochs=1", "--filters=8", "--dense-size=4")
    assert call("entry_points.train", f"--prepared={data.path}", *quick).returncode == 0
    (trained,) = runs(store, "train")
    kept = shutil.copy(mlflow.artifacts.download_artifacts(run_id=trained.info.run_id, artifact_path="model.h5"), tmp_path / "kept.h5")
    prepare.run(PrepareSettings(seed=2))
    done = call("entry_points.register", f"--run={kept}", "--force=true")
    assert done.returncode == 0, done.stderr
    (imported,) = runs(store, "import")
    assert imported.data.params["filters"] == "8"
    assert imported.data.tags["prepared_run_id"] == data.run_id
    assert MlflowClient(store).get_model_version_by_alias("sentiment", "champion").run_id == imported.info.run_id


def test_a_kept_model_of_other_data_is_not_measured_on_this(call: Launch, data: PreparedRun) -> None:
    other = prepare.run(PrepareSettings(seed=2))
    assert other.run_id != data.run_id
    done = call("entry_points.register", f"--run={FOLDER / 'cntk-bilstm.h5'}", MLFLOW_EXPERIMENT_ID=mlflow.create_experiment("nothing"))
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
def test_what_is_wrong_is_said_before_any_run(call: Launch, store: str, tmp_path: Path, arguments: list[str], said: str) -> None:
    old = FOLDER / "old-cnn.h5"
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes(old.read_bytes()[:9000])
    done = call("entry_points.register", *(each.format(old=old, words=WORDS, damaged=damaged) for each in arguments))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert said in line
    assert not all_runs(store)


@pytest.mark.usefixtures("data")
def test_without_the_old_framework_nothing_is_registered(call: Launch, store: str, tmp_path: Path) -> None:
    nowhere = {
        "XDG_CACHE_HOME": str(tmp_path),
        "PYENV_ROOT": str(tmp_path),
        "HOME": str(tmp_path),
        "CONDA_EXE": "",
        "PATH": "/usr/bin:/bin",
    }
    old = ("entry_points.register", f"--run={FOLDER / 'old-cnn.h5'}", f"--vocabulary={WORDS}")
    done = call(*old, **nowhere)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "pyenv install 3.6" in done.stderr
    assert not runs(store, "import") + runs(store, "register")
