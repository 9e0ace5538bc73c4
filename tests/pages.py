"""Pages as a real Chromium shows them."""

import os
import re
import shutil
import subprocess
from pathlib import Path

HARNESS = """<body><script>
const widths = [{widths}], told = [];
for (const width of widths) {{
  const frame = document.createElement("iframe");
  frame.style = `width: ${{width}}px; height: 900px; border: 0`;
  frame.onload = () => {{
    const page = frame.contentDocument, root = page.documentElement, drawings = page.querySelectorAll("svg");
    told.push(`${{width}}: ${{root.scrollWidth - root.clientWidth}} over, ${{page.scripts.length}} scripts, ${{drawings.length}} drawings`);
    if (told.length == widths.length) document.title = told.sort().join("; ");
  }};
  frame.src = "{page}";
  document.body.append(frame);
}}
</script></body>"""


def find_chromium() -> str | None:
    """The program; Debian calls it chromium, others otherwise."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def shown(page: Path, widths: tuple[int, ...], folder: Path) -> tuple[dict[int, tuple[int, int, int]], list[str]]:
    """By width of the window: by how much the page is wider, its scripts and its drawings; and what Chromium's console says."""
    harness = folder / "harness.html"
    harness.write_text(HARNESS.format(widths=", ".join(map(str, widths)), page=page.resolve().as_uri()))
    program = find_chromium()
    assert program
    options = ["--headless", "--disable-gpu", "--allow-file-access-from-files", "--enable-logging=stderr", "--virtual-time-budget=20000"]
    options += ["--no-sandbox"] if os.geteuid() == 0 else []
    command = [program, *options, f"--user-data-dir={folder / 'chromium'}", "--dump-dom", harness.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    found = re.findall(r"(\d+): (\d+) over, (\d+) scripts, (\d+) drawings", done.stdout)
    return {int(width): (int(over), int(scripts), int(svgs)) for width, over, scripts, svgs in found}, [
        line for line in done.stderr.splitlines() if "CONSOLE" in line
    ]
