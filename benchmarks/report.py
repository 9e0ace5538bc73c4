"""What the benchmarks find, as one table of ratios."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("keras", "tensorflow", "onnxruntime", "mlflow", "optuna", "scikit-learn", "numpy")


@dataclass(frozen=True)
class Row:
    """One comparison, of two things measured in one run.

    what, against: what is compared; ratio: of the first to the second; more is better, where not said otherwise; measured: the
    figures behind it, with their units; command: what measures it.
    """

    what: str
    against: str
    ratio: float
    measured: str
    command: str


def machine() -> str:
    """Processor, cores, versions."""
    model = platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0] if names else model
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"{len(os.sched_getaffinity(0))} cores of {model}; Python {platform.python_version()}, {versions}"


def page(rows: Sequence[Row], before: str) -> str:
    """Markdown: the rows, and those of other commands that the page had before, if they are of the same machine and versions."""
    head = f"# Benchmarks\n\nRatios of two things measured in one run, by the command beside them. {machine()}.\n\n"
    head += "| what | against | ratio | measured | command |\n|---|---|---|---|---|\n"
    measured = {row.command for row in rows}
    kept = before.removeprefix(head).splitlines() if before.startswith(head) else []
    lines = [line for line in kept if line.split("`")[-2] not in measured]
    lines += [f"| {row.what} | {row.against} | **{row.ratio:.2f}** | {row.measured} | `{row.command}` |" for row in rows]
    return head + "".join(f"{line}\n" for line in lines)
