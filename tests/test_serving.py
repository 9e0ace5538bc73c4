"""The logged model: what is in it, and that it is served without Keras."""

import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest

from sentiment.model.scorer import Scorer
from sentiment.serving import served_model
from tests.processes import UNCOMPILED, running

pytestmark = pytest.mark.slow

FILE = Path(__file__).parent / "fixtures" / "default-bilstm.h5"
BLOCKED = """
import json, sys
for name in ("keras", "tensorflow", "cntk", "jax", "torch"):
    sys.modules[name] = None
import mlflow
print(json.dumps(mlflow.pyfunc.load_model(sys.argv[1]).predict([{"reviewText": "good"}]).to_dict("records")))
"""


@pytest.fixture
def logged(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a logged model that CNTK trained."""
    monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    experiment = mlflow.create_experiment("serving", artifact_location=str(tmp_path / "artifacts"))
    model = shutil.copyfile(FILE, tmp_path / "model.h5")
    with mlflow.start_run(experiment_id=experiment):
        info = served_model.log(model, "data/reviews.txt")
    return Path(mlflow.artifacts.download_artifacts(info.model_uri))


def test_the_logged_model_holds_what_serving_needs_and_nothing_pickled(logged: Path, tmp_path: Path) -> None:
    files = [file for file in logged.rglob("*") if file.is_file()]
    assert not [file for file in files if file.suffix in (".pkl", ".pickle", ".joblib", ".pyc")]
    assert (logged / "artifacts" / "model.h5").read_bytes() == FILE.read_bytes()
    requirements = (logged / "requirements.txt").read_text()
    assert "onnxruntime==" in requirements
    for absent in ("keras", "tensorflow", "cntk", "jax", "torch"):
        assert absent not in requirements
    home = tmp_path / "home"
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment |= {"HOME": str(home), "XDG_CACHE_HOME": str(home)}
    command = [sys.executable, "-c", BLOCKED, str(logged)]
    done = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, check=True)
    assert not list(home.rglob("Microsoft*"))  # where ONNX Runtime keeps what it is to report
    (answer,) = json.loads(done.stdout.splitlines()[-1])
    assert answer["score"] == pytest.approx(float(Scorer(FILE).score(["good"])[0]), abs=1e-6)


def test_texts_have_the_same_score_however_many_are_scored_at_once(logged: Path) -> None:
    # Cleaned, each fills whole units of 64 bytes and ends with a blank: what Arrow puts in memory behind it is another text's.
    texts = ["é " * words + "x" * (128 - 3 * words - 3) + "." for words in range(1, 30)]
    expected = Scorer(FILE).score([f"{text} " for text in texts]).tolist()
    model = mlflow.pyfunc.load_model(str(logged))

    def ask(repetition: int) -> list[float]:
        return [float(model.predict(pd.DataFrame({"reviewText": [text]}))["score"][0]) for text in texts]

    with ThreadPoolExecutor(8) as pool:
        for scores in pool.map(ask, range(16)):
            assert scores == pytest.approx(expected, abs=1e-6)


@pytest.fixture
def served(logged: Path, tmp_path: Path) -> Iterator[str]:
    """`mlflow models serve` in an environment that it builds from the model's own requirements."""
    options = ["-m", str(logged), "--env-manager", "uv"]
    with running(tmp_path, "/ping", "models", "serve", *options, MLFLOW_ENV_ROOT=str(tmp_path / "envs"), **UNCOMPILED) as url:
        yield url


def ask(url: str, content: Any, kind: str = "application/json") -> tuple[int, Any]:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    request = urllib.request.Request(f"{url}/invocations", body, {"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, json.loads(answer.read())["predictions"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_the_served_model(served: str, tmp_path: Path) -> None:
    """One server for all: building its environment takes a minute."""
    texts = ["The movie was great. I liked it", "dull", "", "x" * 1_000_000, "日本語 😀", "null \x00 byte", "a\nb"]
    scorer = Scorer(FILE)
    expected = [{"label": scorer.label(score), "score": pytest.approx(float(score), abs=1e-6)} for score in scorer.score(texts)]
    noted = [answer | {"note": "" if text else served_model.NO_WORDS} for text, answer in zip(texts, expected, strict=True)]
    records = [{"reviewText": text} for text in texts]
    forms: list[tuple[Any, str]] = [
        ({"dataframe_records": records}, "application/json"),
        ({"dataframe_split": {"columns": ["reviewText"], "data": [[text] for text in texts]}}, "application/json"),
        ({"inputs": {"reviewText": texts}}, "application/json"),
        ({"instances": records}, "application/json"),
    ]
    for content, kind in forms:
        assert ask(served, content, kind) == (200, noted), content
    table = pd.DataFrame({"reviewText": texts[:2]}).to_csv(index=False).encode()
    assert ask(served, table, "text/csv") == (200, expected[:2])
    status, explained = ask(served, {"dataframe_records": records[:3], "params": {"explain": True}})
    assert status == 200
    for text, answer, plain in zip(texts, explained, expected, strict=False):
        assert {name: answer[name] for name in ("label", "score")} == plain
        words = scorer.model.encoder.words(text)
        assert {word["word"] for word in answer["words"]} <= set(words)
        assert len(answer["words"]) == min(len(words), 10)
    status, said = ask(served, {"inputs": {"reviewText": ["good", None]}})
    assert status == 400
    assert "row 2, column reviewText: null" in said
    for wrong in ({"dataframe_records": [{"text": "no such column"}]}, {"dataframe_records": [{"reviewText": 5}]}, {"nothing": 1}):
        status, said = ask(served, wrong)
        assert status == 400, said
    assert ask(served, b"{not json")[0] == 400
    status, many = ask(served, {"dataframe_records": [{"reviewText": f"review {i} was good"} for i in range(10_000)]})
    assert status == 200
    assert len(many) == 10_000
    installed = {path.name.split("-")[0].lower() for path in (tmp_path / "envs").rglob("*.dist-info")}
    assert "onnxruntime" in installed
    assert not installed & {"keras", "tensorflow", "cntk", "jax", "torch"}


@pytest.mark.parametrize("manager", ["virtualenv", "local"])
def test_served_by_every_environment_manager(logged: Path, tmp_path: Path, manager: str) -> None:
    chosen = [] if manager == "virtualenv" else ["--env-manager", manager]  # virtualenv, with pyenv, is MLflow's default
    environment = {"MLFLOW_ENV_ROOT": str(tmp_path / "envs"), "PYTHONPATH": ""} | UNCOMPILED
    with running(tmp_path, "/ping", "models", "serve", "-m", str(logged), *chosen, **environment) as url:
        status, (answer,) = ask(url, {"dataframe_records": [{"reviewText": "good"}]})
    assert status == 200
    assert "serve: a model trained on data/reviews.txt (data " in (tmp_path / "server.log").read_text()
    assert answer["score"] == pytest.approx(float(Scorer(FILE).score(["good"])[0]), abs=1e-6)
