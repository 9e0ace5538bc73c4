"""`python -m benchmarks.experiments`: other settings of `train` against the defaults, in docs/experiments.md.

Everything is measured on the validation split; the test split is not used. Data are named as for the benchmarks (`IMDB=`, `MPQA=`,
`SUBJ=`); `EXPERIMENTS="dropout=0.3;dropout=0.5,batch_size=64"` runs these two only, and the page keeps the rows of the others.
"""

import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.common import changed, prepare, train
from benchmarks.data_sets import IMDB, MPQA, SUBJ, DataSet, available
from benchmarks.report import machine
from sentiment.paths import PROJECT
from sentiment.settings import PrepareSettings, TrainSettings

PAGE = PROJECT / "docs" / "experiments.md"
SEEDS = {IMDB: (1,), MPQA: (1, 2, 3), SUBJ: (1, 2, 3)}
DEFAULTS = "the defaults"
EXPERIMENTS = (
    DEFAULTS,
    "dropout=0.3",
    "word_dropout=0",
    "word_dropout=0.3",
    "pretrain=none",
    "pretrain=vectors",
    "pretrain=language-model",
    "learning_rate=0.002",
    "batch_size=32",
    "batch_size=64",
    "weight_average=0",
    "embedding_size=100",
    "lstm_size=128",
    "architecture=lstm",
    "architecture=cnn",
    "architecture=cnn-lstm",
)
PARTS = ("network", "ngrams", "model")
HEAD = """# Experiments

What other settings of `train` give, by `IMDB=FILE MPQA=FILE SUBJ=FILE python -m benchmarks.experiments`, or some of them with
`EXPERIMENTS="dropout=0.3;pretrain=teacher,patience=2"` before it: accuracies on the validation
split, means over the seeds with their range; one seed on IMDB, where the standard error of an accuracy is about 0.6 points, and three on
MPQA and Subj, where it is about 1 point. The test split has no part in it. What is not in the table was not measured. Seconds are
those of one training with what comes before it, on machines more and less busy: they tell the rough size only. {machine}.

"""
COLUMNS = "| data | settings | network | n-grams | model | log loss of the network | seconds |\n|---|---|---|---|---|---|---|\n"


def main() -> None:
    chosen = os.environ.get("EXPERIMENTS", "").split(";") if os.environ.get("EXPERIMENTS") else EXPERIMENTS
    for data_set in available(IMDB, MPQA, SUBJ):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "prepared.h5"
            data = prepare(PrepareSettings(reviews=data_set.reviews), path)
            for experiment in chosen:
                settings = changed(TrainSettings(), "" if experiment == DEFAULTS else experiment)
                found, begun = [], time.perf_counter()
                for seed in SEEDS[data_set]:
                    found.append(train(replace(settings, seed=seed), data, path.with_name("model.h5")).summary)
                write(row(data_set, experiment, found, (time.perf_counter() - begun) / len(found)))


def row(data_set: DataSet, experiment: str, summaries: Sequence[dict[str, float]], seconds: float) -> str:
    accuracies = [_percent([summary[name] for summary in summaries if (name := f"{part}_val_accuracy") in summary]) for part in PARTS]
    loss = np.mean([summary["network_val_loss"] for summary in summaries])
    cells = [data_set.name, f"`{experiment}`" if "=" in experiment else experiment, *accuracies, f"{loss:.3f}", f"{seconds:.0f}"]
    return f"| {' | '.join(cells)} |"


def _percent(values: Sequence[float]) -> str:
    if not values:
        return "–"
    spread = f" ({min(values) * 100:.1f} to {max(values) * 100:.1f})" if len(values) > 1 else ""
    return f"{np.mean(values) * 100:.1f} %{spread}"


def write(line: str) -> None:
    """Puts the row into the page, in place of an older one of the same data and settings."""
    print(line, flush=True)
    before = PAGE.read_text().split(COLUMNS)[-1].splitlines() if PAGE.exists() and COLUMNS in PAGE.read_text() else []
    key = line.split(" | ")[:2]
    lines = [each for each in before if each.startswith("|") and each.split(" | ")[:2] != key]
    PAGE.write_text(HEAD.format(machine=machine()) + COLUMNS + "".join(f"{each}\n" for each in sorted([*lines, line])))


if __name__ == "__main__":
    main()
