"""Many texts through a model, with progress."""

from collections.abc import Sequence

import numpy as np

from sentiment.model.scorer import Scorer
from sentiment.progress import Bar

AT_ONCE = 1000  # texts between two signs of progress


def outputs(scorer: Scorer, texts: Sequence[str], title: str) -> dict[str, np.ndarray]:
    """The model's outputs by name, each `<float32>[texts]`. title: what the texts are scored for."""
    parts = []
    with Bar(title, len(texts), "texts") as bar:
        for begin in range(0, len(texts), AT_ONCE):
            some = list(texts[begin : begin + AT_ONCE])
            parts.append(scorer.parts(some))
            bar.advance(len(some))
    return {name: np.concatenate([each[name] for each in parts]) for name in parts[0]}
