"""The words that carried a score."""

from pathlib import Path

import pytest

from sentiment.explaining import explain
from sentiment.scorer import Scorer
from sentiment.text import Encoder

SCORER = Scorer(Path(__file__).parent / "fixtures" / "default-bilstm.h5")
LONG = " ".join(["the film was so and so"] * 8) + " wonderful " + " ".join(["it had a plot"] * 4)


@pytest.mark.parametrize("text", ["wonderful film", "A dull, DULL film!", LONG])
def test_a_weight_is_what_the_word_adds_to_the_score(text: str) -> None:
    score = float(SCORER.score([text])[0])
    words = SCORER.model.encoder.words(text)
    found = explain(SCORER, text, score)
    assert found
    sizes = [abs(float(item["weight"])) for item in found]
    assert sizes == sorted(sizes, reverse=True)
    for item in found:
        places = [at for at, word in enumerate(words) if word == item["word"]]
        without = SCORER.score([" ".join([*words[:at], "zzzunknown", *words[at + 1 :]]) for at in places])
        assert min(abs(score - float(other) - float(item["weight"])) for other in without) < 1e-5


def test_the_word_that_matters_is_found_in_a_long_text() -> None:
    """By trying every word, which the two passes avoid."""
    score = float(SCORER.score([LONG])[0])
    words = SCORER.model.encoder.words(LONG)
    effects = [abs(score - float(SCORER.score([" ".join([*words[:at], "zzzunknown", *words[at + 1 :]])])[0])) for at in range(len(words))]
    assert explain(SCORER, LONG, score)[0]["word"] == words[effects.index(max(effects))]


def test_nothing_carries_an_empty_text() -> None:
    assert explain(SCORER, "", 0.5) == []


def test_words_are_those_that_are_numbered() -> None:
    encoder: Encoder = SCORER.model.encoder
    for text in ("one two", "word " * 2000, "", "naïve <b>but</b> &amp; fine"):
        assert len(encoder.words(text)) == len(encoder.number([text]).ids)
