"""Models side by side, on the same labelled texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import binomtest

from sentiment.evaluation import metrics
from sentiment.evaluation.paired import mcnemar, right
from sentiment.settings.threshold import DEFAULT as THRESHOLD

PARTS = ("model", "network", "ngrams")


@dataclass(frozen=True)
class Candidate:
    """A model to compare.

    name: which no other one has; parts: P(positive), `<float32>[texts]`, by `model` and, where it has them, by `network` and `ngrams`;
    seconds: of training; tokens_per_second: the median of the epochs; None where it is not known.
    """

    name: str
    run_id: str
    settings: dict[str, str]
    parts: dict[str, np.ndarray]
    seconds: float | None
    tokens_per_second: float | None
    model_bytes: int
    parameters: int
    threshold: float = THRESHOLD


@dataclass(frozen=True)
class Share:
    """Of texts that are right, with Wilson's interval of 95 %."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Quality:
    """How good a model is. accuracy: by part, as in `Candidate`."""

    candidate: Candidate
    accuracy: dict[str, Share]
    measures: dict[str, float]

    def row(self) -> dict[str, str | float | None]:
        """As a row of a table."""
        made: dict[str, str | float | None] = {"run": self.candidate.name, "run_id": self.candidate.run_id}
        made |= {name: self.candidate.settings.get(name, "") for name in ("backend", "architecture", "device")}
        made |= self.measures
        for part in PARTS:
            name, share = "accuracy" if part == "model" else f"accuracy_{part}", self.accuracy.get(part)
            bounds = (share.value, share.low, share.high) if share else (None, None, None)
            made |= zip((name, f"{name}_low", f"{name}_high"), bounds, strict=True)
        costs = ("seconds", "tokens_per_second", "model_bytes", "parameters")
        return made | {f"training_{name}" if name == "seconds" else name: getattr(self.candidate, name) for name in costs}


@dataclass(frozen=True)
class Pair:
    """Two models on the same texts. difference: of their accuracies; p: McNemar's, two-sided; scores: their largest difference."""

    one: str
    other: str
    difference: float
    only_one_right: int
    only_other_right: int
    p: float
    scores: float


@dataclass(frozen=True)
class Comparison:
    """settings: those in which the models differ, by name, with a value for each model."""

    texts: int
    models: list[Quality]
    pairs: list[Pair]
    settings: dict[str, list[str]]


def compare(labels: np.ndarray, candidates: Sequence[Candidate]) -> Comparison:
    """labels: 0 or 1, both present, `<int64>[texts]`."""
    models = [_quality(labels, candidate) for candidate in candidates]
    pairs = [_pair(labels, one, other) for one, other in combinations(candidates, 2)]
    return Comparison(len(labels), models, pairs, _different_settings(candidates))


def share(right: int, of: int) -> Share:
    interval = binomtest(right, of).proportion_ci(method="wilson")
    return Share(right / of, float(interval.low), float(interval.high))


def _quality(labels: np.ndarray, candidate: Candidate) -> Quality:
    accuracy = {
        part: share(int(right(labels, scores, _threshold(candidate, part)).sum()), len(labels)) for part, scores in candidate.parts.items()
    }
    measures = metrics.measure(labels, candidate.parts["model"], candidate.threshold)
    return Quality(candidate, accuracy, {name: value for name, value in measures.items() if name != "accuracy"})


def _threshold(candidate: Candidate, part: str) -> float:
    """The model's own; its parts by themselves have the default."""
    return candidate.threshold if part == "model" else THRESHOLD


def _pair(labels: np.ndarray, one: Candidate, other: Candidate) -> Pair:
    scores, others = one.parts["model"], other.parts["model"]
    only_one, only_other, p = mcnemar(right(labels, scores, one.threshold), right(labels, others, other.threshold))
    difference = (only_one - only_other) / len(labels)
    return Pair(one.name, other.name, difference, only_one, only_other, p, float(np.abs(scores - others).max()))


def _different_settings(candidates: Sequence[Candidate]) -> dict[str, list[str]]:
    names = dict.fromkeys(name for candidate in candidates for name in candidate.settings)
    values = {name: [candidate.settings.get(name, "–") for candidate in candidates] for name in names}
    return {name: each for name, each in values.items() if len(set(each)) > 1}
