"""From which score on a review is positive, chosen on validation reviews that the scores were not learned from."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve

from sentiment.settings.threshold import AUTO, DEFAULT, PRECISION, Rule


@dataclass(frozen=True)
class Threshold:
    """note: how the value came about, or "" if the user named it; missed: whether no threshold reaches what the rule wants."""

    value: float
    note: str = ""
    missed: bool = False


def choose(rule: Rule, labels: np.ndarray, scores: np.ndarray) -> Threshold:
    """What the rule comes to. labels: 0 or 1, both present; scores: P(positive); each `[reviews]`."""
    if rule.kind == AUTO:
        return _most_balanced(labels, scores)
    if rule.kind == PRECISION:
        return _precise(labels, scores, rule.value)
    return Threshold(rule.value)


def _most_balanced(labels: np.ndarray, scores: np.ndarray) -> Threshold:
    """Of equally good ones the nearest to DEFAULT, and between two scores the middle."""
    false_positives, true_positives, values = roc_curve(labels, scores, drop_intermediate=False)
    balanced = (true_positives + 1 - false_positives) / 2
    best = balanced.max()
    note = f"the best balanced accuracy, {best:.4f}, of {len(labels):,} validation reviews"
    if balanced[(values >= DEFAULT).sum() - 1] == best:  # the values fall, and the first is infinite
        return Threshold(DEFAULT, note)
    middles = (values + np.append(values[1:], 0)) / 2
    good = middles[balanced == best]
    return Threshold(float(good[np.abs(good - DEFAULT).argmin()]), note)


def _precise(labels: np.ndarray, scores: np.ndarray, minimum: float) -> Threshold:
    """The smallest that has the precision."""
    precisions, recalls, values = precision_recall_curve(labels, scores)
    enough = np.flatnonzero(precisions[:-1] >= minimum)  # the last is of no threshold
    if not len(enough):
        best = precisions[:-1].max()
        note = f"no threshold has a precision of {minimum:g} on the {len(labels):,} validation reviews, where the best is {best:.4f}"
        return Threshold(DEFAULT, note, missed=True)
    at = enough[0]
    note = f"precision {precisions[at]:.4f}, recall {recalls[at]:.4f} on {len(labels):,} validation reviews"
    return Threshold(float(values[at]), note)
