"""What a report is made of, and the figures that are read from it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from sentiment.evaluation import metrics
from sentiment.evaluation.evaluated import Evaluated
from sentiment.evaluation.scored import MODEL, NETWORK, NGRAMS, Scored
from sentiment.plots.scores import part_name
from sentiment.preparation.prepared import Prepared
from sentiment.report.pages import percent
from sentiment.reviews.batch import TEST, TRAIN, VALIDATION
from sentiment.settings import TrainSettings
from sentiment.settings.threshold import DEFAULT, FIXED, parse
from sentiment.training.training import Trained

SPLITS = {"training": TRAIN, "validation": VALIDATION, "test": TEST}
INTERVAL = "{:.3f} to {:.3f}"


@dataclass(frozen=True)
class Facts:
    """What a report is written from.

    Attributes:
        step: What made the model, main or tune; run_id: its run.
        train_run_id: Of the run that has the model.
        preparation: The parameters of prepare, as texts.
        train: Those of the training.
        epochs: The metrics of each epoch.
        registered: The tags of the register run; empty if there was none.
        study, metric: Of tune.
    """

    step: str
    run_id: str
    train_run_id: str
    preparation: dict[str, str]
    train: TrainSettings
    data: Prepared
    trained: Trained
    epochs: list[dict[str, float]]
    evaluated: Evaluated
    registered: dict[str, str]
    study: optuna.Study | None = None
    metric: str = ""

    @property
    def reviews(self) -> str:
        """The name of the file or the data set."""
        return Path(self.preparation["reviews"]).name or self.preparation["reviews"]

    @property
    def is_champion(self) -> bool:
        return self.registered.get("gate") in ("passed", "forced")

    @property
    def test(self) -> Scored:
        return self.evaluated.scored

    @property
    def interval(self) -> tuple[float, float]:
        """Of the test accuracy."""
        return self.evaluated.metrics["test_accuracy_low"], self.evaluated.metrics["test_accuracy_high"]

    @property
    def guessing(self) -> float:
        """The test accuracy of always saying the more frequent label."""
        share = float(self.test.labels.mean())
        return max(share, 1 - share)

    @property
    def threshold_is_chosen(self) -> bool:
        """On the validation reviews."""
        return parse(self.train.threshold).kind != FIXED

    def splits(self) -> list[dict[str, str]]:
        rows = []
        for name, split in SPLITS.items():
            indices = self.data.rows(split)
            lengths = self.data.words.take(indices).lengths
            rows.append(
                {
                    "split": name,
                    "reviews": f"{len(indices):,}",
                    "positive": percent(float(self.data.labels[indices].mean())) if len(indices) else "",
                    "words, in the median": f"{np.median(lengths):,.0f}" if len(indices) else "",
                    "longest": f"{lengths.max():,}" if len(indices) else "",
                }
            )
        return rows

    def unknown_words(self) -> float:
        """The share of the words of the test reviews that the vocabulary has not."""
        words = self.data.words.take(self.data.rows(TEST)).ids
        return float(((words < 1) | (words > len(self.data.encoder.vocabulary))).mean()) if len(words) else 0.0

    def cut(self) -> float:
        """The share of the test reviews of which the network does not read all."""
        return float((self.test.lengths >= int(self.preparation["max_length"])).mean())


def results(scored: Scored) -> list[dict[str, str]]:
    """A row for each part of the model. The threshold is the model's; its parts by themselves have the default."""
    rows = []
    for part in (NETWORK, NGRAMS, MODEL):
        if part in scored.compared:
            scores = scored.compared[part]
            threshold = scored.threshold if part == MODEL else DEFAULT
            low, high = metrics.accuracy_interval(scored.labels, scores, threshold)
            measured = metrics.measure(scored.labels, scores, threshold)
            rows.append(
                {"": part_name(scored, part), "accuracy": f"{measured['accuracy']:.3f} ({INTERVAL.format(low, high)})"}
                | {name: f"{measured[key]:.3f}" for name, key in (("AUC", "auc"), ("F1", "f1"), ("log loss", "log_loss"))}
                | {"Brier score": f"{measured['brier']:.3f}", "calibration error": f"{measured['ece']:.3f}"}
            )
    return rows


def differing(settings: dict[str, str], defaults: dict[str, Any]) -> list[dict[str, str]]:
    """A row for each setting, with its default if it has another value."""
    return [
        {"setting": name, "value": value, "default": "" if value == defaults.get(name, value) else defaults[name]}
        for name, value in settings.items()
    ]
