"""MLflow's own pages in a real Chromium, as somebody sees them who opens `make ui`."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from sentiment.paths import PROJECT

from .pages import find_chromium
from .processes import wait_until

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
    return run_entry_point(address, "main", *arguments)


def run_entry_point(address: str, name: str, *arguments: str) -> str:
    env = os.environ | {"MLFLOW_TRACKING_URI": address}
    done = subprocess.run(
        [sys.executable, "-m", f"entry_points.{name}", *arguments], cwd=PROJECT, env=env, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def page_to_try(address: str, port: int, folder: Path) -> Iterator[str]:
    """The address of the page that `make serve` offers, of the champion of a registry; ended as a shell would end it.

    port: where the scoring server is then.
    """
    command = [sys.executable, "-m", "sentiment.serving.page", "--env-manager", "local", "--port", str(port), "--page-port", "0"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    log = folder / "page.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=PROJECT, env=os.environ | {"PATH": path, "MLFLOW_TRACKING_URI": address}, stdout=output, stderr=output, text=True
        )
    try:
        wait_until(lambda: "try the model at" in log.read_text() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield re.findall(r"try the model at (http://127\.0\.0\.1:\d+)", log.read_text())[0]
    finally:
        for _ in range(2):  # the second one changes nothing
            process.send_signal(signal.SIGTERM)
        status = process.wait(60)
    assert status == 0


def server_options(folder: Path) -> list[str]:
    """Arguments of `mlflow`: a server that keeps everything in a folder."""
    places = ["--backend-store-uri", f"sqlite:///{folder / 'server.db'}", "--artifacts-destination", str(folder / "kept")]
    return ["server", *places, "--workers", "1"]
