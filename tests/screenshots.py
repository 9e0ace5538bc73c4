"""`make screenshots`: trains two models, looks at them in MLflow's pages and in this project's, and writes docs/images/*.png."""

import io
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from mlflow import MlflowClient
from PIL import Image
from playwright.sync_api import Page, TimeoutError, expect

from sentiment.paths import PROJECT
from sentiment.tracking import commands

from .mlflow_pages import WAIT, browser_page, page_to_try, run_entry_point, run_main, server_options
from .processes import free_port, running

FOLDER = PROJECT / "docs" / "images"
COLOURS = 128  # enough for pages of text, and small
LARGEST = 150_000  # bytes
WIDTH, HEIGHT = 1200, 760


def compared(page: Page, url: str, experiment: str) -> None:
    page.goto(f"{url}/#/experiments/{experiment}/runs?compareRunsMode=CHART&{commands.MODE}")
    close_assistant(page)
    page.get_by_role("button", name="Toggle sidebar").click()
    page.get_by_placeholder("Search metric charts").fill("^val_(auc|loss)$|^test_accuracy$")
    expect(page.locator(".js-plotly-plot:visible")).to_have_count(3)


def run_page(page: Page, url: str, experiment: str, run: str) -> None:
    page.goto(f"{url}/#/experiments/{experiment}/runs/{run}?{commands.MODE}")
    close_assistant(page)
    page.get_by_text("Show more").first.click()
    page.get_by_text("Description").first.evaluate("each => each.scrollIntoView({block: 'start'})")


def close_assistant(page: Page) -> None:
    """MLflow greets whoever comes from the same machine with it."""
    with suppress(TimeoutError):
        page.get_by_role("button", name="Close").click(timeout=5000)


def file_page(page: Page, file: str) -> None:
    page.goto(Path(file).as_uri())


def tried(page: Page, url: str) -> None:
    """The page to try the model, with an example scored."""
    page.goto(url)
    page.get_by_role("button", name="Both").click()
    expect(page.locator("#shown mark").first).to_be_visible()


def main() -> None:
    expect.set_options(timeout=WAIT)
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, running(Path(name), "/health", *server_options(Path(name))) as url:
        folder, client = Path(name), MlflowClient(url)
        for backend in ("tensorflow", "cntk"):
            print(run_main(url, f"--backend={backend}"))
        print(run_entry_point(url, "compare"))
        experiment = client.get_experiment_by_name("sentiment")
        assert experiment
        newest = {
            step: client.search_runs([experiment.experiment_id], f"tags.step = '{step}'")[0].info.run_id for step in ("main", "compare")
        }
        report = client.download_artifacts(newest["main"], "report.html", name)
        comparison = client.download_artifacts(newest["compare"], "comparison.html", name)
        with browser_page(WIDTH, HEIGHT) as page, page_to_try(url, free_port(), folder) as trying:
            pictures: dict[str, Callable[[], None]] = {
                "compare": lambda: compared(page, url, experiment.experiment_id),
                "run": lambda: run_page(page, url, experiment.experiment_id, newest["main"]),
                "report": lambda: file_page(page, report),
                "comparison": lambda: file_page(page, comparison),
                "try": lambda: tried(page, trying),
            }
            for name, open_page in pictures.items():
                open_page()
                page.wait_for_timeout(3000)  # until the curves are drawn, which move
                write(page.screenshot(), FOLDER / f"{name}.png")


def write(picture: bytes, path: Path) -> None:
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS).save(path, optimize=True)
    print(f"{path.relative_to(PROJECT)}: {path.stat().st_size:,} bytes")
    assert path.stat().st_size < LARGEST


if __name__ == "__main__":
    main()
