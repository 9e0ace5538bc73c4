"""Which words carried a score: occlusion, after Zeiler & Fergus (2014), each word in turn made unknown.

A long text is searched in two passes, first by runs of words, then by the words of the runs that matter most, so that it
takes some dozens of scores and not hundreds.
"""

import numpy as np

from sentiment.ragged import Ragged
from sentiment.scorer import Scorer
from sentiment.text import UNKNOWN

AT_ONCE = 24  # spans tried in one pass
MOST_WORDS = 10


def explain(scorer: Scorer, text: str, score: float) -> list[dict[str, str | float]]:
    """The words that mattered most, `{"word", "weight"}`, greatest effect first.

    weight: by how much the score, which is given, would be lower without the word; below 0 if it would be higher.
    """
    ids = scorer.model.encoder.encode([text]).ids
    words = scorer.model.encoder.words(text)
    places = np.arange(-len(words), 0)  # counted from the end: before the words come the start token and perhaps padding
    if len(words) > AT_ONCE:
        runs = np.array_split(places, AT_ONCE)
        effects = score - _without(scorer, ids, runs)
        best = np.argsort(-np.abs(effects), kind="stable")
        size = max(len(run) for run in runs)
        places = np.sort(np.concatenate([runs[run] for run in best[: max(AT_ONCE // size, 1)]]))
    weights = score - _without(scorer, ids, [np.array([place]) for place in places])
    order = np.argsort(-np.abs(weights), kind="stable")[:MOST_WORDS]
    return [{"word": words[places[at]], "weight": round(float(weights[at]), 6)} for at in order]


def _without(scorer: Scorer, ids: np.ndarray, spans: list[np.ndarray]) -> np.ndarray:
    """The scores of a text with each of some spans of its words made unknown: `<float32>[spans]`."""
    if not spans:
        return np.empty(0, np.float32)
    variants = np.tile(ids, (len(spans), 1))
    for row, span in enumerate(spans):
        variants[row, span] = UNKNOWN
    return scorer.score_ids(Ragged(variants.ravel(), np.arange(len(spans) + 1, dtype=np.int64) * len(ids)))
