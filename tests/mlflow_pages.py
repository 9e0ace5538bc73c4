"""MLflow's own pages in a real Chromium, as somebody sees them who opens `make ui`."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from sentiment.paths import PROJECT

from .pages import find_chromium

WAIT = 60_000  # milliseconds, on a busy machine


@contextmanager
def browser_page(width: int = 1400, height: int = 900) -> Iterator[Page]:
    program = find_chromium()
    assert program
    with sync_playwright() as playwright:
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium has none for root
        browser = playwright.chromium.launch(executable_path=program, args=[*sandbox, "--disable-gpu"])
        try:
            page = browser.new_page(viewport={"width": width, "height": height})
            page.set_default_timeout(WAIT)
            yield page
        finally:
            browser.close()


def run_main(address: str, *arguments: str) -> str:
    """Runs `main` as a user would, tracked at an address; returns what it printed."""
    env = os.environ | {"MLFLOW_TRACKING_URI": address}
    done = subprocess.run(
        [sys.executable, "-m", "entry_points.main", *arguments], cwd=PROJECT, env=env, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def server_options(folder: Path) -> list[str]:
    """Arguments of `mlflow`: a server that keeps everything in a folder."""
    places = ["--backend-store-uri", f"sqlite:///{folder / 'server.db'}", "--artifacts-destination", str(folder / "kept")]
    return ["server", *places, "--workers", "1"]
