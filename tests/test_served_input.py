"""What may be asked of the served model: MLflow's own server, in this process."""

import asyncio
import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow.pyfunc import scoring_server

from sentiment.model.explanation import LONG
from sentiment.model.scorer import Scorer
from sentiment.serving import inputs, served_model
from sentiment.serving.loaded import Loaded
from sentiment.text.vocabulary import Encoded

FILE = Path(__file__).parent / "fixtures" / "default-bilstm.h5"
SCORER = Scorer(FILE)
SERVER: Any = scoring_server
JSON = "application/json"
Post = Callable[..., tuple[int, Any]]

FORMS: dict[str, Callable[[list[Any]], Any]] = {
    "dataframe_records": lambda texts: {"dataframe_records": [{"reviewText": text} for text in texts]},
    "dataframe_split": lambda texts: {"dataframe_split": {"columns": ["reviewText"], "data": [[text] for text in texts]}},
    "inputs": lambda texts: {"inputs": {"reviewText": texts}},
    "inputs, records": lambda texts: {"inputs": [{"reviewText": text} for text in texts]},
    "instances": lambda texts: {"instances": [{"reviewText": text} for text in texts]},
}


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    """Asks the server as `mlflow models serve` runs it; returns the status and the predictions, or what is said instead."""
    folder = tmp_path_factory.mktemp("served") / "model"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        patch.setenv(inputs.SERVING, "true")
        patch.setattr(SERVER, "parse_tf_serving_input", SERVER.parse_tf_serving_input)  # which puts it back at the end
        served_model.save(FILE, folder)
        app = SERVER.init(mlflow.pyfunc.load_model(str(folder)))

        def ask(content: Any, kind: str = JSON) -> tuple[int, Any]:
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            status, answer = asyncio.run(_call(app, body, kind))
            return status, json.loads(answer)["predictions"] if status == 200 else answer

        yield ask


async def _call(app: Any, body: bytes, kind: str) -> tuple[int, str]:
    status, parts = 0, []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        status = message.get("status", status)
        parts.append(message.get("body", b""))

    scope: dict[str, Any] = {"type": "http", "http_version": "1.1", "method": "POST", "scheme": "http", "path": "/invocations"}
    scope |= {"raw_path": b"/invocations", "root_path": "", "query_string": b"", "headers": [(b"content-type", kind.encode())]}
    await app(scope, receive, send)
    return status, b"".join(parts).decode()


texts = st.text(st.characters(), max_size=40) | st.sampled_from(
    ["", " \n", "<br/>", "a\x00b", "\ud800 lone", "naïve & <b>bold", "x" * 5000]
)
NOT_TEXT = st.none() | st.booleans() | st.integers() | st.floats() | st.lists(st.text(), max_size=2) | st.dictionaries(st.text(), st.text())


@settings(max_examples=60, deadline=None)
@given(st.lists(texts, min_size=1, max_size=5), st.sampled_from(sorted(FORMS)))
def test_every_text_has_its_score_in_every_form(post: Post, asked: list[str], form: str) -> None:
    status, answers = post(FORMS[form](asked))
    assert status == 200, answers
    assert [answer["score"] for answer in answers] == pytest.approx([float(SCORER.score([text])[0]) for text in asked], abs=1e-6)
    for text, answer in zip(asked, answers, strict=True):
        assert bool(answer.get("note")) == (not SCORER.model.encoder.words(text))


@settings(max_examples=60, deadline=None)
@given(st.lists(texts, max_size=3), NOT_TEXT, st.lists(texts, max_size=3), st.sampled_from(sorted(FORMS)))
def test_what_is_no_text_is_named_by_row_and_column_in_every_form(
    post: Post, before: list[str], wrong: Any, after: list[str], form: str
) -> None:
    status, said = post(FORMS[form]([*before, wrong, *after]))
    assert status == 400
    shown = "null" if wrong is None or (isinstance(wrong, float) and math.isnan(wrong)) else ""
    assert f"row {len(before) + 1}, column reviewText: {shown}" in said


NAMES = ["reviewText", "inputs", "instances", "dataframe_split", "dataframe_records", "columns", "data", "index", "params", "explain"]
contents = st.recursive(
    NOT_TEXT | texts, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
)


@settings(max_examples=60, deadline=None)
@given(contents)
def test_no_request_is_the_servers_fault(post: Post, content: Any) -> None:
    for body in (content, {"inputs": content}, {"instances": content}, {"dataframe_records": content}):
        status, said = post(body)
        assert status in (200, 400), said


@pytest.mark.parametrize(
    ("content", "kind", "status", "said"),
    [
        (b"reviewText\ngood\n5\n", "text/csv", 200, ""),
        (b"reviewText,stars\ngood,5\n,1\n", "text/csv", 400, "row 2, column reviewText: null"),
        (b"text\ngood\n", "text/csv", 400, "reviewText"),
        (b"\xff\xfe", "text/csv", 400, "UTF-8"),
        ({"inputs": ["good", "bad"]}, JSON, 200, ""),
        ({"inputs": "good"}, JSON, 200, ""),
        ({"inputs": ["good", None]}, JSON, 400, "row 2, column reviewText: null"),
        ({"instances": [{"text": "good"}]}, JSON, 400, "reviewText is missing"),
        ({"inputs": {"text": ["good"]}}, JSON, 400, "reviewText is missing"),
        ({"instances": [{"reviewText": "good"}, {}]}, JSON, 400, "row 2, column reviewText: null"),
        (b"{not json", JSON, 400, "JSON"),
    ],
)
def test_other_requests(post: Post, content: Any, kind: str, status: int, said: str) -> None:
    answered, answer = post(content, kind)
    assert answered == status
    assert said in str(answer)


def test_a_column_takes_the_memory_of_its_texts(post: Post) -> None:
    """MLflow's own arrays of text would take that of the longest, four bytes a character, for each: 20 gigabytes."""
    for form in ("inputs", "instances"):
        status, answers = post(FORMS[form](["good " * 200_000, *["bad"] * 5000]))
        assert status == 200
        assert len(answers) == 5001


def test_an_empty_text_and_a_long_one_are_noted(post: Post) -> None:
    long = "great not " * LONG
    status, answers = post({**FORMS["inputs"](["good", "", long]), "params": {"explain": True}})
    assert status == 200
    assert [answer["note"] for answer in answers] == ["", served_model.NO_WORDS, served_model.BY_PARTS]
    assert [bool(answer["parts"]) for answer in answers] == [False, False, True]
    assert "note" not in post(FORMS["inputs"](["good", long]))[1][0]


def test_work_ends_when_the_server_has_given_the_request_up(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT", "0")
    status, said = post({**FORMS["inputs"](["good"] * 3), "params": {"explain": True}})
    assert status != 200
    assert "server's limit of 0 seconds" in said


def test_elsewhere_there_is_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(inputs.SERVING, raising=False)
    monkeypatch.setenv("MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT", "0")
    inputs.deadline()()


def test_slices_are_the_texts_in_their_order() -> None:
    for asked in ([], ["a"] * 2500, ["x" * 700_000] * 3, ["x" * 3_000_000, "a"]):
        parts = list(inputs.slices(asked))
        assert [text for part in parts for text in part] == asked
        assert all(len(part) <= 1 or sum(map(len, part)) <= inputs.SLICE_CHARACTERS for part in parts)
        assert all(len(part) <= inputs.SLICE_TEXTS for part in parts)


def test_other_models_of_the_server_get_what_mlflow_gives_them(post: Post) -> None:
    read = SERVER.parse_tf_serving_input({"inputs": [1, 2]}, schema=None)
    assert read.tolist() == [1, 2]
    table = SERVER.parse_tf_serving_input({"inputs": [1, None]}, schema=served_model.SIGNATURE.inputs)
    assert isinstance(table, pd.DataFrame)
    assert table["reviewText"].tolist() == [1, None]


@pytest.mark.parametrize(("texts", "words"), [(3000, 2), (1000, 30)])
def test_a_request_is_explained_as_far_as_its_scores_allow(texts: int, words: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the tokens that the network reads for it, in rows beside those that are scored."""
    model = served_model.ServedModel()
    model._served = Loaded(SCORER, {})
    read = {True: 0, False: 0}

    def outputs(reviews: Encoded, names: Sequence[str] | None = None) -> dict[str, np.ndarray]:
        read[names == ("score",)] += int(reviews.tokens.lengths.sum())
        return whole(reviews, names)

    whole = SCORER.outputs
    monkeypatch.setattr(SCORER, "outputs", outputs)
    table = pd.DataFrame(model.predict(None, pd.DataFrame({"reviewText": ["good " * words] * texts}), {"explain": True}))  # type: ignore[arg-type]
    assert read[False] <= 30 * texts * (words + 1) + 100_000
    explained = table["words"].map(len) > 0
    assert 30 < explained.sum() < texts
    assert set(table["note"][explained]) == {""}
    assert set(table["note"][~explained]) == {served_model.LEFT_OUT}
    assert table["score"].notna().all()


def test_a_request_of_few_texts_is_explained_whole() -> None:
    model = served_model.ServedModel()
    model._served = Loaded(SCORER, {})
    table = pd.DataFrame(model.predict(None, pd.DataFrame({"reviewText": ["good film " * 10] * 40}), {"explain": True}))  # type: ignore[arg-type]
    assert (table["words"].map(len) == 10).all()
    assert "note" not in table
