"""The model of a network and n-grams: how their logits are combined, from which score on it says positive, and how good that is.

All of it is decided on the validation reviews, none of which the parts were fitted on.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from sentiment.evaluation import metrics
from sentiment.evaluation.paired import right
from sentiment.evaluation.scored import MODEL, NETWORK, NGRAMS, Scored
from sentiment.model import reference
from sentiment.model.reference import Reference
from sentiment.ragged import Ragged
from sentiment.settings import threshold as thresholds
from sentiment.training import ensemble
from sentiment.training.ensemble import Combination
from sentiment.training.threshold import Threshold, choose

PARTS = (NETWORK, NGRAMS)
EVERY_EPOCH = ("accuracy", "auc", "log_loss")  # what is measured of the network after each epoch
AT_END = (*EVERY_EPOCH, "brier", "ece")  # and of it, the n-grams and the model


@dataclass(frozen=True)
class Assembled:
    """A model as the validation reviews see it.

    Attributes:
        labels: 0 or 1, `<int64>[reviews]`.
        parts: The logits of the network, the n-grams or both, by name: `<float64>[reviews]`.
        model: The model's: each by a combination that was learned from the other reviews.
        combination: What the file gets; None if there is one part.
        threshold: From which score on the model's label is positive.
    """

    labels: np.ndarray
    parts: dict[str, np.ndarray]
    model: np.ndarray
    combination: Combination | None
    threshold: Threshold

    def summary(self) -> dict[str, float]:
        """The metrics of the parts and of the model, and the weights of the parts.

        The threshold is the model's; its parts by themselves have the default.
        """
        values: dict[str, float] = {}
        for part, logits in self.parts.items():
            values |= measure(f"{part}_val", self.labels, logits, AT_END)
        values |= measure("model_val", self.labels, self.model, AT_END, self.threshold.value)
        weights = self.combination.weights if self.combination else [float(part in self.parts) for part in PARTS]
        return values | {f"{part}_weight": float(weight) for part, weight in zip(PARTS, weights, strict=True)}

    def note(self) -> str:
        """How the logits are combined."""
        if self.combination is None:
            return f"the {next(iter(self.parts))} alone"
        network, ngrams = self.combination.weights
        reviews = self.combination.reviews
        few = ", which are few: held near equal shares" if reviews < ensemble.FEW else ""
        return f"{network:.2f} of the network's logit and {ngrams:.2f} of the n-grams', learned from {reviews:,} validation reviews{few}"

    def guessing(self) -> tuple[str, ...]:
        """The parts, and the model of both, whose ranking chance explains, each with its AUC."""
        both = {MODEL: self.model} if self.combination else {}
        ranked = {part: metrics.ranking(self.labels, logits) for part, logits in (self.parts | both).items()}
        return tuple(f"{part} {auc:.4f} (p = {p:.2g})" for part, (auc, p) in ranked.items() if p >= metrics.SIGNIFICANCE and auc < 1)

    def scored(self, words: Ragged) -> Scored:
        """The reviews with their scores. words: theirs."""
        parts = {part: np.asarray(expit(logits)) for part, logits in ({MODEL: self.model} | self.parts).items()}
        return Scored("validation", self.labels, words.lengths, parts, self.threshold.value)

    def reference(self, words: Ragged, vocabulary: int) -> Reference:
        """What `monitor` compares later texts with. words: those of the reviews, of so many that have a token id."""
        scores = np.asarray(expit(self.model))
        of_words = reference.of_words(words, vocabulary)
        return reference.summarize(of_words | {"scores": scores}, right(self.labels, scores, self.threshold.value))


def assemble(labels: np.ndarray, parts: dict[str, np.ndarray], rule: str, seed: int) -> Assembled:
    """Learns how the parts are combined. rule: the threshold as users write it."""
    columns = np.column_stack(list(parts.values()))
    combination = ensemble.fit(columns, labels) if len(parts) > 1 else None
    model = ensemble.cross_fitted(columns, labels, seed) if combination else columns[:, 0]
    return Assembled(labels, parts, model, combination, choose(thresholds.parse(rule), labels, expit(model)))


def measure(
    prefix: str,
    labels: np.ndarray,
    logits: np.ndarray,
    names: tuple[str, ...] = EVERY_EPOCH,
    threshold: float = thresholds.DEFAULT,
    weights: np.ndarray | None = None,
) -> dict[str, float]:
    """The named metrics of logits, as `prefix_name`. weights: of the reviews, in accuracy and loss."""
    measured = metrics.measure(labels, expit(logits), threshold, weights)
    return {f"{prefix}_{name.removeprefix('log_')}": measured[name] for name in names}
