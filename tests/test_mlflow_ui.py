"""What a newcomer sees who trains two models, opens MLflow's pages and compares them: in a real Chromium, of a real server."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, Run
from playwright.sync_api import Page, expect

from sentiment.tracking import commands

from .mlflow_pages import WAIT, browser_page, run_main, server_options
from .pages import find_chromium
from .processes import running

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_chromium() is None, reason="There is no Chromium on this machine: apt-get install chromium."),
]
SMALL = ("--epochs=3", "--max-length=40", "--ngrams=500", "--embedding-size=8")
SIZES = (4, 6)  # of the LSTM, in the two runs
CURVES = """() => {  // the names of those in the first chart that has several
    const chart = [...document.querySelectorAll(".js-plotly-plot")].find(each => each.offsetParent && each.data && each.data.length > 1);
    return chart && chart.data.map(curve => curve.name);
}"""
expect.set_options(timeout=WAIT)


@dataclass(frozen=True)
class Shown:
    """A server with two runs of `main`, the newest first, and what each printed."""

    url: str
    runs: list[Run]
    printed: list[str]

    @property
    def experiment(self) -> str:
        return str(self.runs[0].info.experiment_id)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    folder = tmp_path_factory.mktemp("pages")
    with running(folder, "/health", *server_options(folder)) as url:
        printed = [run_main(url, f"--lstm-size={size}", *SMALL) for size in SIZES]
        client = MlflowClient(url)
        experiment = client.get_experiment_by_name("sentiment")
        assert experiment
        yield Shown(url, list(client.search_runs([experiment.experiment_id], "tags.step = 'main'")), printed)


@pytest.fixture(scope="module")
def page(shown: Shown) -> Iterator[Page]:
    with browser_page() as page:
        yield page


def model_of(shown: Shown, run: Run) -> LoggedModel:
    (output,) = MlflowClient(shown.url).get_run(run.info.run_id).outputs.model_outputs  # type: ignore[union-attr]
    return MlflowClient(shown.url).get_logged_model(output.model_id)


def test_the_table_has_the_two_runs_by_name_and_no_other_at_first_sight(shown: Shown, page: Page) -> None:
    page.goto(f"{shown.url}/#/experiments/{shown.experiment}/runs?{commands.MODE}")
    for size in SIZES:
        expect(page.get_by_text(f"main bilstm {size}×8 tensorflow").first).to_be_visible()
    expect(page.get_by_text(re.compile("reviews.txt train")).first).to_be_visible()
    expect(page.get_by_text("train bilstm")).to_have_count(0)
    expect(page.get_by_text("Model registry").first).to_be_visible()  # the pages are in their training mode


def test_the_page_of_curves_that_main_printed_has_those_of_both_runs_in_one_picture(shown: Shown, page: Page) -> None:
    address = next(word for word in shown.printed[1].split() if "compareRunsMode=CHART" in word)
    assert address.startswith(shown.url)
    page.goto(address)
    page.get_by_placeholder("Search metric charts").fill("^val_")
    curves = page.wait_for_function(CURVES).json_value()
    assert set(curves) == {f"main bilstm {size}×8 tensorflow" for size in SIZES}


def test_two_runs_that_are_ticked_are_compared(shown: Shown, page: Page) -> None:
    page.goto(f"{shown.url}/#/experiments/{shown.experiment}/runs?{commands.MODE}")
    expect(page.get_by_text(f"main bilstm {SIZES[0]}×8 tensorflow").first).to_be_visible()
    for size in SIZES:
        row = page.locator(".ag-row").filter(has_text=f"main bilstm {size}×8")
        row.get_by_role("checkbox", name="toggle row selection").check(force=True)
    page.get_by_role("button", name="Compare").first.click()
    expect(page.get_by_text("Comparing 2 Runs")).to_be_visible()
    expect(page.get_by_text("lstm_size").first).to_be_visible()
    expect(page.get_by_role("link", name="model_val_accuracy")).to_be_attached()


def test_a_run_says_what_was_done_how_good_it_is_and_what_to_do_next(shown: Shown, page: Page) -> None:
    page.goto(commands_page(shown, shown.runs[0]))
    expect(page.get_by_text("accuracy on 86 test reviews")).to_be_visible()
    page.get_by_text("Show more").first.click()
    expect(page.get_by_text("make serve").first).to_be_visible()
    expect(page.get_by_text("test_accuracy", exact=True).first).to_be_attached()
    expect(page.get_by_role("link", name="sentiment", exact=True).first).to_be_visible()  # the registered model


def commands_page(shown: Shown, run: Run, tab: str = "") -> str:
    return f"{shown.url}/#/experiments/{shown.experiment}/runs/{run.info.run_id}{tab}?{commands.MODE}"


def test_the_picture_of_the_review_lengths_is_shown(shown: Shown, page: Page) -> None:
    (prepared,) = MlflowClient(shown.url).search_runs([shown.experiment], "tags.step = 'prepare'")
    page.goto(commands_page(shown, prepared, "/artifacts"))
    page.get_by_text("review_lengths.png").first.click()
    picture = page.locator("img[src^='blob:'], img[src*='review_lengths'], .js-plotly-plot image").first
    expect(picture).to_be_visible()


def test_a_logged_model_has_its_parameters_metrics_data_and_run(shown: Shown, page: Page) -> None:
    model = model_of(shown, shown.runs[0])
    page.goto(f"{shown.url}/#/experiments/{shown.experiment}/models/{model.model_id}?{commands.MODE}")
    expect(page.get_by_text("Ready").first).to_be_visible()
    expect(page.get_by_text("train bilstm 6×8 tensorflow").first).to_be_visible()
    expect(page.get_by_text("test_auc").first).to_be_attached()
    expect(page.get_by_text("lstm_size").first).to_be_attached()


def test_the_registered_model_has_its_alias_and_says_what_it_is(shown: Shown, page: Page) -> None:
    champion = MlflowClient(shown.url).get_model_version_by_alias("sentiment", "champion")
    page.goto(f"{shown.url}/#/models/sentiment/versions/{champion.version}")
    expect(page.get_by_role("status", name="champion")).to_be_visible()
    expect(page.get_by_text("the probability of positive").first).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("train bilstm")).first).to_be_visible()
    page.goto(f"{shown.url}/#/models/sentiment")
    expect(page.get_by_text("Tells whether a review is positive or negative").first).to_be_visible()


def test_the_best_logged_model_is_found_by_its_metrics(shown: Shown) -> None:
    order = [{"field_name": "metrics.test_auc", "ascending": False}]
    mlflow.set_tracking_uri(shown.url)
    best = mlflow.search_logged_models([shown.experiment], order_by=order, output_format="list")
    values = [next(metric for metric in model.metrics or [] if metric.key == "test_auc") for model in best]
    assert len(values) == 2
    assert values[0].value >= values[1].value
    assert {metric.dataset_name for metric in values} == {"reviews.txt test"}
    assert {model.params["lstm_size"] for model in best} == set(map(str, SIZES))
    assert all(model.tags["project"] == "mlflow-sentiment" for model in best)
