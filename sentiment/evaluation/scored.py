"""Reviews that a model has scored."""

from dataclasses import dataclass

import numpy as np

MODEL, NETWORK, NGRAMS = "model", "network", "ngrams"


@dataclass(frozen=True)
class Scored:
    """Labelled reviews, and what each part of a model makes of them.

    labels: 0 or 1, both present, `<int64>[reviews]`; lengths: words, `[reviews]`; parts: P(positive), `[reviews]`, by `model` and, of a
    model that has both, by `network` and `ngrams`.
    """

    labels: np.ndarray
    lengths: np.ndarray
    parts: dict[str, np.ndarray]

    @property
    def scores(self) -> np.ndarray:
        """The model's."""
        return self.parts[MODEL]
