"""Pages as a real Chromium shows them."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

HARNESS = """<body><script>
const widths = [{widths}], told = [];
for (const width of widths) {{
  const frame = document.createElement("iframe");
  frame.style = `width: ${{width}}px; height: 900px; border: 0`;
  frame.onload = () => {{
    const page = frame.contentDocument, root = page.documentElement, drawings = page.querySelectorAll("svg");
    const cut = Math.max(0, ...[...page.querySelectorAll(".scroll")].map(table => table.scrollWidth - table.clientWidth));
    told.push([width, root.scrollWidth - root.clientWidth, page.scripts.length, drawings.length, cut].join(":"));
    if (told.length == widths.length) document.title = told.join(";");
  }};
  frame.src = "{page}";
  document.body.append(frame);
}}
</script></body>"""


def find_chromium() -> str | None:
    """The program; Debian calls it chromium, others otherwise."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Shown(NamedTuple):
    """over: pixels by which the page is wider than the window; cut: those of its widest table that have to be scrolled to."""

    over: int
    scripts: int
    drawings: int
    cut: int


def shown(page: Path, widths: tuple[int, ...], folder: Path) -> tuple[dict[int, Shown], list[str]]:
    """The page by width of the window, and what Chromium's console says."""
    harness = folder / "harness.html"
    harness.write_text(HARNESS.format(widths=", ".join(map(str, widths)), page=page.resolve().as_uri()))
    program = find_chromium()
    assert program
    options = ["--headless", "--disable-gpu", "--allow-file-access-from-files", "--enable-logging=stderr", "--virtual-time-budget=20000"]
    options += ["--no-sandbox"] if os.geteuid() == 0 else []
    command = [program, *options, f"--user-data-dir={folder / 'chromium'}", "--dump-dom", harness.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    (title,) = re.findall(r"<title>(.*)</title>", done.stdout)
    measured = [[int(number) for number in page.split(":")] for page in title.split(";")]
    return {width: Shown(*numbers) for width, *numbers in measured}, [line for line in done.stderr.splitlines() if "CONSOLE" in line]
