"""The page to try a model, in Chromium, with a real scoring server behind it."""

import json
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Any

import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient
from playwright.sync_api import Browser, sync_playwright
from playwright.sync_api import Page as Tab

from sentiment.errors import UserError
from sentiment.model import model_file, reference
from sentiment.model.explanation import explain
from sentiment.model.scorer import Scorer
from sentiment.serving import page, served_model
from sentiment.serving.page import LOADING, MOST, Page

from .mlflow_pages import page_to_try
from .processes import free_port

FILE = Path(__file__).parent / "fixtures" / "default-bilstm.h5"
SCORER = Scorer(FILE)
HOSTILE = '<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1"> 😀 A GREAT film &amp; not dull, don’t worry'
Answer = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class Served:
    """The addresses of the page and of the scoring server."""

    page: str
    scores: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """What `make serve` runs, with a champion in a registry of its own; ended as a shell would end it."""
    folder = tmp_path_factory.mktemp("page")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    mlflow.set_tracking_uri(uri)
    experiment = mlflow.create_experiment("page", artifact_location=str(folder / "artifacts"))
    with mlflow.start_run(experiment_id=experiment):
        validated = reference.summarize({name: np.linspace(0, 1, 1200) for name in reference.MEASURES}, np.arange(1200) < 1056)
        model_file.write(replace(model_file.read(FILE), reference=validated), folder / "model.h5")
        info = served_model.log(folder / "model.h5", "data/reviews.txt")
    mlflow.register_model(info.model_uri, "sentiment")
    MlflowClient().set_registered_model_alias("sentiment", "champion", "1")
    port = free_port()
    with page_to_try(uri, port, folder) as url:
        yield Served(url, f"http://127.0.0.1:{port}")
    for address in (url, f"http://127.0.0.1:{port}"):
        with pytest.raises(OSError, match="refused"):
            urllib.request.urlopen(address)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program, "There is no chromium on this machine."
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def tab(served: Served, browser: Browser) -> Iterator[Tab]:
    """The page, opened; at its end nothing may have gone wrong in it, such as what its policy forbids."""
    opened = browser.new_page()
    wrong: list[str] = []
    opened.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.goto(served.page)
    yield opened
    opened.close()
    assert not wrong


def said_of(words: list[dict[str, Any]]) -> str:
    """What the first line says of the three words with most effect; marks and words without any are no news."""
    first = [each for each in words if abs(each["weight"]) >= 0.0001 and any(map(str.isalnum, str(each["word"])))][:3]
    sides = (
        ("raised", [each["word"] for each in first if each["weight"] > 0]),
        ("lowered", [each["word"] for each in first if each["weight"] < 0]),
    )
    return "".join(f", {verb} by {' · '.join(named)}" for verb, named in sides if named)


def expect(tab: Tab, text: str) -> None:
    """That the page shows what the scorer says of the text."""
    score = float(SCORER.score([text])[0])
    words = explain(SCORER, text, score)
    tab.wait_for_function("said => document.querySelector('[role=status]').textContent.startsWith(said)", arg=f"{SCORER.label(score)}: ")
    assert f"{SCORER.label(score)}: {score:.3f}{said_of(words)}" == tab.get_by_role("status").inner_text()
    assert tab.locator("#words td:first-child").all_text_contents() == [str(word["word"]) for word in words]
    shown = [float(value.replace("−", "-")) for value in tab.locator("#words td:last-child").all_text_contents()]
    assert shown == pytest.approx([float(word["weight"]) for word in words], abs=1e-4)
    assert tab.locator("#shown").text_content() == text
    ups = {str(word["word"]) for word in words if float(word["weight"]) > 0}
    assert {marked.lower() for marked in tab.locator("#shown mark.up").all_text_contents()} == ups


def test_examples_and_what_is_said_of_the_model(tab: Tab) -> None:
    tab.get_by_text("sentiment, version 1", exact=True).wait_for()
    card = tab.locator("#card").inner_text()
    for said in ("data/reviews.txt", SCORER.model.data_fingerprint[:12], "0.5", "bilstm", "88.0 % of 1,200 validation reviews"):
        assert said in card
    examples = tab.get_by_role("list", name="Examples").get_by_role("button")
    assert examples.count() > 3
    example = examples.nth(0)
    example.click()
    expect(tab, example.get_attribute("data-text") or "")
    tab.get_by_role("button", name="Clear").click()
    assert tab.get_by_label("A review").input_value() == ""
    assert not tab.locator("#result").is_visible()


def test_a_text_is_never_part_of_the_page(tab: Tab) -> None:
    tab.get_by_label("A review").fill(HOSTILE)
    tab.get_by_role("button", name="Score it").click()
    tab.locator("#shown mark").first.wait_for()
    assert tab.locator("#shown").text_content() == HOSTILE
    assert tab.locator("#shown *:not(mark)").count() == tab.locator("main script, main img").count() == 0
    assert tab.evaluate("window.hacked") is None
    marked = tab.locator("#shown mark").all_text_contents()
    assert {"GREAT", "film"} <= set(marked)
    assert {word.lower().replace("’", "'") for word in marked} <= {*SCORER.model.encoder.words(HOSTILE), "&amp;"}


def test_by_keyboard_alone(tab: Tab) -> None:
    focused = "document.activeElement.id || document.activeElement.textContent"
    tab.keyboard.press("Tab")
    assert tab.evaluate(focused) == "text"
    tab.keyboard.type("a wonderful film")
    tab.keyboard.press("Control+Enter")
    expect(tab, "a wonderful film")
    for place in ("score", "clear", "Praise", "Complaint"):
        tab.keyboard.press("Tab")
        assert tab.evaluate(focused) == place
    example = tab.get_by_role("button", name="Complaint").get_attribute("data-text") or ""
    tab.keyboard.press("Enter")
    expect(tab, example)


def test_a_screen_reader_is_told(tab: Tab) -> None:
    status = tab.get_by_role("status")
    assert status.get_attribute("aria-live") == "polite"
    tab.get_by_label("A review").fill("   ")
    tab.get_by_role("button", name="Score it").click()
    assert status.inner_text() == "There is no review yet."
    tab.get_by_label("A review").fill("great " * 700)
    tab.get_by_role("button", name="Score it").click()
    tab.get_by_role("heading", name="Parts of this long text").wait_for()
    for name in ("What the score would lose without each word", "What the score would lose without each part"):
        assert tab.get_by_role("table", name=name).locator("tbody tr").count() > 1
    tab.get_by_role("region", name="The review with these words marked").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_its_window(tab: Tab, scheme: str) -> None:
    tab.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    tab.get_by_label("A review").fill("x" * 5000 + " great")
    tab.get_by_role("button", name="Score it").click()
    tab.locator("#shown mark").first.wait_for()
    for width in (400, 800, 1300):
        tab.set_viewport_size({"width": width, "height": 800})
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
    red = int(re.findall(r"\d+", tab.evaluate("getComputedStyle(document.body).backgroundColor"))[0])
    assert (red < 128) == (scheme == "dark")


def ask(url: str, body: bytes | None = None, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, named), timeout=60) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def test_what_is_asked_of_it(served: Served) -> None:
    text = json.dumps({"text": "good"}).encode()
    status, headers, body = ask(f"{served.page}/score", text, Content_Type="application/json")
    assert (status, json.loads(body)["score"]) == (200, pytest.approx(float(SCORER.score(["good"])[0]), abs=1e-6))
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
    assert ask(f"{served.page}/score", text, Content_Type="text/plain")[0] == 415
    assert ask(f"{served.page}/score", text, Content_Type="application/json", Host="evil.example:80")[0] == 421
    assert ask(served.page, Host="evil.example")[0] == 421
    for wrong in (b"", b"{", b"[]", b'{"text": 5}', b"\xff"):
        assert ask(f"{served.page}/score", wrong, Content_Type="application/json")[0] == 400
    assert ask(f"{served.page}/score", b" " * (20 * MOST), Content_Type="application/json")[0] == 413
    assert ask(f"{served.page}/nowhere", b" " * (20 * MOST))[0] == 404
    for nowhere in ("/nowhere", "/../page.py", "/site/page.js", "//etc/passwd"):
        assert ask(f"{served.page}{nowhere}")[0] == 404
    plain = json.dumps({"dataframe_records": [{"reviewText": "good"}]}).encode()
    status, _, body = ask(f"{served.scores}/invocations", plain, Content_Type="application/json")
    assert (status, list(json.loads(body)["predictions"][0])) == (200, ["label", "score"])


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("sqlite:///{}/mlflow.db", "There is no such model. Received: model=models:/sentiment@champion. Train and register one: make run"),
        ("http://127.0.0.1:{}", "The tracking server does not give the model. Received: model=models:/sentiment@champion. "),
        ("postgresql://me@127.0.0.1:{}/runs", "The tracking server does not give the model. Received: model=models:/sentiment@champion. "),
    ],
)
def test_what_is_not_there_is_not_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], address: str, message: str
) -> None:
    mlflow.set_tracking_uri(address.format(tmp_path if "sqlite" in address else free_port()))
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert page.main(["--port", str(free_port()), "--page-port", "0"]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    (line,) = errors.splitlines()
    assert line.startswith(message)


def test_until_the_model_is_there_it_says_so() -> None:
    with Page(0, f"http://127.0.0.1:{free_port()}") as loading:
        Thread(target=loading.serve_forever, daemon=True).start()
        status, _, body = ask(f"{loading.url}/about")
        assert (status, json.loads(body)) == (503, {"error": LOADING})
        with pytest.raises(UserError, match=f"page-port={loading.server_port}"):
            Page(loading.server_port, loading.scores)
        loading.shutdown()
