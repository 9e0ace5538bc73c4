"""What the benchmarks find, as one page of two tables: ratios, and accuracies."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks.common import Paired

PACKAGES = ("keras", "tensorflow", "onnxruntime", "mlflow", "optuna", "scikit-learn", "floret", "numpy")
MODELS = ("network", "n-grams", "both", "TF-IDF", "NB-SVM", "fastText", "Keras example")


@dataclass(frozen=True)
class Row:
    """One comparison, of two things measured in one run.

    what, against: what is compared; ratio: of the first to the second, with its range if it was measured several times; more is
    better, where not said otherwise; measured: the figures behind it, with their units; command: what measures it.
    """

    what: str
    against: str
    ratio: Paired | float
    measured: str
    command: str

    def cells(self) -> list[str]:
        return [self.what, self.against, _ratio(self.ratio), self.measured, f"`{self.command}`"]


@dataclass(frozen=True)
class Accuracies:
    """The accuracies of several models on one test split.

    accuracies: by the names of MODELS, each from 0 to 1, one for each seed; a name that lacks was not measured; minutes: of one
    training of ours; test_reviews: how many, in words.
    """

    data: str
    architecture: str
    accuracies: dict[str, list[float]]
    minutes: float
    test_reviews: str
    command: str

    def cells(self) -> list[str]:
        accuracies = [_percent(self.accuracies.get(name, ())) for name in MODELS]
        return [self.data, self.architecture, *accuracies, f"{self.minutes:.1f}", self.test_reviews, f"`{self.command}`"]


@dataclass(frozen=True)
class Table:
    """A table of docs/benchmarks.md, with its rows by name."""

    title: str
    about: str
    columns: tuple[str, ...]

    def head(self) -> str:
        return f"\n## {self.title}\n\n{self.about}\n\n{_line(self.columns)}{'|---' * len(self.columns)}|\n"


TABLES: dict[type, Table] = {
    Row: Table(
        "Ratios",
        "Of two things measured in one run, by the command beside them: one, the other, one, the other, … The ratio is the median of\n"
        "these pairs, in brackets the least and the greatest; the figures beside it are medians too.",
        ("what", "against", "ratio", "measured", "command"),
    ),
    Accuracies: Table(
        "Accuracy on the test split",
        "The default model of each architecture, or that of the settings and seeds in front of a command: the network alone, the\n"
        "n-grams alone, and both, which is the model. Mean of three seeds, in brackets the least and the greatest. Beside them other\n"
        "models, in the same command on the same splits: TF-IDF of one and two words into logistic regression, NB-SVM on one to three\n"
        "words, fastText on words and bigrams, and Keras's own example of a bidirectional LSTM. Minutes are those of one training of\n"
        "ours, from the start of its process. Where IMDB has fewer test reviews than 25,000, the archive at hand had no more of them.",
        ("data", "architecture", *MODELS, "minutes", "test reviews", "command"),
    ),
}


def machine() -> str:
    """Processor, cores, versions."""
    model = platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0] if names else model
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"{len(os.sched_getaffinity(0))} cores of {model}; Python {platform.python_version()}, {versions}"


def page(rows: Sequence[Row | Accuracies], before: str) -> str:
    """Markdown: the rows, and those of other commands that the page had before, if they are of the same machine and versions.

    The rows of a command that the page had before take their place.
    """
    text = f"# Benchmarks\n\n{machine()}.\n"
    before = before if before.startswith(text) else ""
    for kind, table in TABLES.items():
        lines: dict[str, list[str]] = {}  # by command
        for line in before.partition(table.head())[2].partition("\n## ")[0].splitlines():
            lines.setdefault(line.split("`")[-2], []).append(f"{line}\n")
        lines |= {row.command: [] for row in rows}
        for row in rows:
            if isinstance(row, kind):
                lines[row.command].append(_line(row.cells()))
        text += table.head() + "".join("".join(each) for each in lines.values())
    return text


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _ratio(ratio: Paired | float) -> str:
    if isinstance(ratio, Paired):
        return f"**{ratio.ratio:.2f}** ({ratio.low:.2f}–{ratio.high:.2f})"
    return f"**{ratio:.2f}**"


def _percent(accuracies: Sequence[float]) -> str:
    """Their mean, with the range if they differ."""
    if not accuracies:
        return "–"
    low, high = (f"{100 * end:.2f}" for end in (min(accuracies), max(accuracies)))
    mean = f"{100 * sum(accuracies) / len(accuracies):.2f} %"
    return mean if low == high else f"{mean} ({low}–{high})"
