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
    page.goto(commands.curves_page(experiment, url))
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
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), "/health", *server_options(Path(folder))) as url:
        for backend in ("tensorflow", "cntk"):
            print(run_main(url, f"--backend={backend}"))
        client = MlflowClient(url)
        found = client.get_experiment_by_name("sentiment")
        assert found
        experiment = found.experiment_id
        with browser_page(WIDTH, HEIGHT) as page, page_to_try(url, free_port(), Path(folder)) as trying:

            def newest(step: str) -> str:
                return str(client.search_runs([experiment], f"tags.step = '{step}'")[0].info.run_id)

            def picture(name: str, open_page: Callable[..., None], *arguments: str) -> None:
                open_page(page, *arguments)
                page.wait_for_timeout(3000)  # until the curves are drawn, which move
                write(page.screenshot(), FOLDER / f"{name}.png")

            picture("compare", compared, url, experiment)
            picture("run", run_page, url, experiment, newest("main"))
            picture("report", file_page, client.download_artifacts(newest("main"), "report.html", folder))
            picture("try", tried, trying)
            print(run_entry_point(url, "compare"))
            picture("comparison", file_page, client.download_artifacts(newest("compare"), "comparison.html", folder))


def write(picture: bytes, path: Path) -> None:
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS).save(path, optimize=True)
    print(f"{path.relative_to(PROJECT)}: {path.stat().st_size:,} bytes")
    assert path.stat().st_size < LARGEST


if __name__ == "__main__":
    main()
