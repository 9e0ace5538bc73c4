"""Reviews that a model has scored."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from sentiment.evaluation.paired import right
from sentiment.model import many_texts
from sentiment.model.scorer import Scorer
from sentiment.model.threshold import is_positive
from sentiment.settings.threshold import DEFAULT

MODEL, NETWORK, NGRAMS = "model", "network", "ngrams"


@dataclass(frozen=True)
class Scored:
    """Labelled reviews, and what each part of a model makes of them.

    split: their name, such as `test`; labels: 0 or 1, both present, `<int64>[reviews]`; lengths: words, `[reviews]`; parts: P(positive),
    `[reviews]`, by `model` and, as far as the model has them, by `network` and `ngrams`; threshold: the score from which on the
    model calls a review positive.
    """

    split: str
    labels: np.ndarray
    lengths: np.ndarray
    parts: dict[str, np.ndarray]
    threshold: float = DEFAULT

    @property
    def scores(self) -> np.ndarray:
        """The model's."""
        return self.parts[MODEL]

    @property
    def positive(self) -> np.ndarray:
        """Which the model calls positive: `<bool>[reviews]`."""
        return is_positive(self.scores, self.threshold)

    @property
    def right(self) -> np.ndarray:
        """Which the model calls what they are: `<bool>[reviews]`."""
        return right(self.labels, self.scores, self.threshold)

    @property
    def compared(self) -> dict[str, np.ndarray]:
        """As `parts`; without what is the model itself under another name."""
        return self.parts if {NETWORK, NGRAMS} <= self.parts.keys() else {MODEL: self.scores}


def probabilities(scorer: Scorer, texts: Sequence[str], title: str) -> dict[str, np.ndarray]:
    """P(positive) by the model and by each of its parts alone, each `<float32>[texts]`, as `many_texts.outputs`."""
    named = many_texts.outputs(scorer, texts, title)
    return {MODEL: named.pop("score")} | {name.removesuffix("_logit"): expit(logits) for name, logits in named.items()}
