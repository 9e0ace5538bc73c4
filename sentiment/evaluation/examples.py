"""Reviews that show what a model gets right and wrong, with the words that carried their scores."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sentiment.evaluation.scored import Scored
from sentiment.model.explanation import Explanation
from sentiment.model.scorer import Scorer
from sentiment.progress import Bar

LONGEST = 2000  # characters of a text in a table


@dataclass(frozen=True)
class Attribution:
    """What a word did to a score. earlier: how often it stands before; weight: by how much the score would be lower without it there."""

    word: str
    earlier: int
    weight: float


@dataclass(frozen=True)
class Example:
    """A review that the model scored.

    Attributes:
        label, called: 0 or 1, the label that the review has and the one that the model gives it.
        score: P(positive).
        length: How many words it has.
        words: Those that carried the score, the greatest effect first.
    """

    text: str
    label: int
    score: float
    length: int
    words: list[Attribution]
    called: int


def most_wrong(scorer: Scorer, texts: Sequence[str], scored: Scored, count: int) -> list[Example]:
    """The reviews, at most `count`, whose score is on the wrong side of the threshold, furthest from their label first."""
    return _explained(scorer, texts, scored, _ordered(scored, right=False)[:count])


def most_right(scorer: Scorer, texts: Sequence[str], scored: Scored, count: int) -> list[Example]:
    """The reviews, at most `count` of each label, whose score is nearest to it: positive ones first."""
    rows = _ordered(scored, right=True)[::-1]
    return _explained(scorer, texts, scored, np.concatenate([rows[scored.labels[rows] == label][:count] for label in (1, 0)]))


def table(examples: Sequence[Example], names: Sequence[str]) -> pd.DataFrame:
    """A row for each. names: of the labels 0 and 1."""
    return pd.DataFrame(
        {
            "reviewText": [shortened(each.text, LONGEST) for each in examples],
            "label": [names[each.label] for each in examples],
            "called": [names[each.called] for each in examples],
            "score": [each.score for each in examples],
            "length_in_words": [each.length for each in examples],
            "carried_by": [", ".join(f"{one.word} {one.weight:+.3f}" for one in each.words) for each in examples],
        }
    )


def shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"


def _ordered(scored: Scored, right: bool) -> np.ndarray:
    """The rows that are right, or those that are not, furthest from their label first."""
    rows = np.flatnonzero(scored.right == right)
    off = np.abs(scored.scores - scored.labels)[rows]
    return rows[np.argsort(-off, kind="stable")]


def _explained(scorer: Scorer, texts: Sequence[str], scored: Scored, rows: np.ndarray) -> list[Example]:
    made = []
    with Bar("evaluate: words that carried", len(rows), "reviews") as bar:
        for row in rows:
            label, score, length = int(scored.labels[row]), float(scored.scores[row]), int(scored.lengths[row])
            made.append(Example(texts[row], label, score, length, _carried(scorer, texts[row]), int(scored.positive[row])))
            bar.advance(1)
    return made


def _carried(scorer: Scorer, text: str) -> list[Attribution]:
    explanation = Explanation(scorer, text)
    return [Attribution(explanation.word(at), explanation.occurrence(at), weight) for at, weight in explanation.positions()]
