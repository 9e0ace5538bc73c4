"""A server that follows the champion, with a real registry and real requests while it changes."""

import json
import shutil
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread

import mlflow
import pytest
from mlflow import MlflowClient

from sentiment.errors import UserError
from sentiment.model.scorer import Scorer
from sentiment.serving import served_model
from sentiment.serving.following import ALIAS, REFRESH, follow
from sentiment.serving.loaded import Loaded

from .processes import running

FIXTURES = Path(__file__).parent / "fixtures"
FIRST, SECOND = FIXTURES / "default-bilstm.h5", FIXTURES / "cntk-bilstm.h5"
TEXT = "a wonderful film"
BODY = json.dumps({"dataframe_records": [{"reviewText": TEXT}]}).encode()


def register(file: Path, folder: Path, kept: Path, damage: Callable[[Path], None] | None = None) -> str:
    """A new version, which takes the alias; damaged where the registry's server keeps it, before it does. Returns its number."""
    with mlflow.start_run():
        info = served_model.log(Path(shutil.copyfile(file, folder / "model.h5")), file.name)
    version = mlflow.register_model(info.model_uri, "sentiment").version
    if damage:
        (saved,) = (found.parent for found in kept.rglob("MLmodel") if info.model_id in str(found))
        damage(saved)
    MlflowClient().set_registered_model_alias("sentiment", "champion", version)
    return str(version)


def cut_short(saved: Path) -> None:
    model = saved / "artifacts" / "model.h5"
    model.write_bytes(model.read_bytes()[:20_000])


def another_file(saved: Path) -> None:
    """A model that can be read, but not the one that was saved."""
    shutil.copyfile(FIRST, saved / "artifacts" / "model.h5")


def ask(url: str) -> float:
    request = urllib.request.Request(f"{url}/invocations", BODY, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return float(json.loads(answer.read())["predictions"][0]["score"])


@contextmanager
def asking(url: str) -> Iterator[list[float]]:
    """The answers to one request after the other, meanwhile; one that fails ends the test."""
    answers: list[float] = []
    failures: list[Exception] = []
    ended = Event()

    def go_on() -> None:
        while not ended.is_set():
            try:
                answers.append(round(ask(url), 5))
            except Exception as error:
                failures.append(error)

    client = Thread(target=go_on)
    client.start()
    try:
        yield answers
    finally:
        ended.set()
        client.join()
    assert not failures


def wait_for(log: Path, said: str) -> None:
    for _ in range(1200):
        if said in log.read_text():
            return
        time.sleep(0.1)
    pytest.fail(f"never said: {said}\n{log.read_text()}")


@pytest.mark.slow
def test_a_new_champion_takes_over_and_a_broken_one_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    first, second = (round(float(Scorer(file).score([TEXT])[0]), 5) for file in (FIRST, SECOND))
    assert first != second
    kept, log = tmp_path / "kept", tmp_path / "serving" / "server.log"
    log.parent.mkdir()
    places = ["--backend-store-uri", f"sqlite:///{tmp_path / 'server.db'}", "--artifacts-destination", str(kept), "--workers", "1"]
    with ExitStack() as servers:
        registry = servers.enter_context(ExitStack())
        uri = registry.enter_context(running(tmp_path, "/health", "server", *places))
        mlflow.set_tracking_uri(uri)
        register(FIRST, tmp_path, kept)
        environment = {REFRESH: "0.5", "MLFLOW_TRACKING_URI": uri, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "PYTHONPATH": ""}
        asked = ["models", "serve", "-m", "models:/sentiment@champion", "--env-manager", "local"]
        url = servers.enter_context(running(log.parent, "/ping", *asked, **environment))
        with asking(url) as answers:
            for damage, reason in ((cut_short, "is refused: The file can't be read"), (another_file, "score otherwise")):
                register(SECOND, tmp_path, kept, damage)
                wait_for(log, reason)
            assert ask(url) == pytest.approx(first, abs=1e-5)
            version = register(SECOND, tmp_path, kept)
            wait_for(log, f"serve: version {version} of sentiment in place of version 1 of sentiment: a model trained on cntk-bilstm.h5")
            assert ask(url) == pytest.approx(second, abs=1e-5)
            registry.close()
            wait_for(log, f"serve: version {version} of sentiment stays: ")
            assert ask(url) == pytest.approx(second, abs=1e-5)
    assert answers == sorted(answers, key=[first, second].index)
    assert set(answers) == {first, second}
    said = log.read_text()
    assert said.count("can't be read") == said.count("score otherwise") == 1


def test_what_is_wrong_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def begin(**environment: str) -> None:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        follow(Loaded(Scorer(FIRST), {}), lambda new: pytest.fail("nothing is followed"))

    begin()
    for seconds in ("soon", "-1", "0", "nan", "inf"):
        with pytest.raises(UserError, match=f"{REFRESH}={seconds}"):
            begin(**{REFRESH: seconds})
    for alias in ("sentiment@champion", "models:/sentiment/3", "models:/@champion", "models:/sentiment@"):
        with pytest.raises(UserError, match=f"{ALIAS}={alias}"):
            begin(**{REFRESH: "30", ALIAS: alias})


def test_golden_texts_have_to_score_as_they_did() -> None:
    scorer = Scorer(FIRST)
    Loaded(scorer, {}).check()
    score = float(scorer.score([TEXT])[0])
    Loaded(scorer, {"golden_scores": [[TEXT, score + 5e-5]]}).check()
    for other in (score + 5e-4, float("nan")):
        with pytest.raises(ValueError, match="otherwise"):
            Loaded(scorer, {"golden_scores": [[TEXT, other]]}).check()
