"""Reviews that show what a model gets right and wrong."""

from pathlib import Path

import numpy as np
import pytest

from sentiment.evaluation import examples
from sentiment.evaluation.scored import Scored
from sentiment.model.scorer import Scorer

TEXTS = ["Great, I loved it", "Dull and boring", "A great cast in a boring film", "I loved every minute", "The worst of all"]


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer(Path(__file__).parent / "fixtures" / "default-bilstm.h5")


def scored(scores: list[float], labels: list[int]) -> Scored:
    return Scored("test", np.array(labels), np.array([len(text.split()) for text in TEXTS]), {"model": np.array(scores)})


def test_the_worst_come_first_and_the_right_ones_are_of_both_labels(scorer: Scorer) -> None:
    reviews = scored([0.9, 0.7, 0.6, 0.05, 0.1], [1, 0, 0, 1, 0])
    wrong = examples.most_wrong(scorer, TEXTS, reviews, 2)
    assert [each.text for each in wrong] == [TEXTS[3], TEXTS[1]]
    assert [(each.label, each.called, each.score, each.length) for each in wrong] == [(1, 0, 0.05, 4), (0, 1, 0.7, 3)]
    assert {one.word for one in wrong[0].words} == {"i", "loved", "every", "minute"}
    assert [each.text for each in examples.most_right(scorer, TEXTS, reviews, 1)] == [TEXTS[0], TEXTS[4]]
    table = examples.table(wrong, scorer.model.label_names)
    assert table.label.tolist() == ["positive", "negative"]
    assert table.called.tolist() == ["negative", "positive"]
    assert table.carried_by[0].count(", ") == 3


def test_nothing_is_wrong(scorer: Scorer) -> None:
    reviews = scored([0.9, 0.1, 0.1, 0.9, 0.1], [1, 0, 0, 1, 0])
    assert examples.most_wrong(scorer, TEXTS, reviews, 50) == []
    assert len(examples.table([], scorer.model.label_names)) == 0
