"""The words that carried a score."""

import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from sentiment.model.explanation import AT_ONCE, LONG, Explanation, explain
from sentiment.model.scorer import Scorer
from sentiment.text.vocabulary import Encoded, Encoder

FIXTURES = Path(__file__).parent / "fixtures"
SCORER = Scorer(FIXTURES / "default-bilstm.h5")
OTHERS = [Scorer(FIXTURES / f"{name}.h5") for name in ("cntk-bilstm", "model-1-bilstm")]  # without n-grams, and with those of before
LONGISH = " ".join(["the film was so and so"] * 8) + " wonderful " + " ".join(["it had a plot"] * 4)
UNKNOWN = "zzzunknown"


def drawn(words: int, seed: int = 0) -> str:
    """A text of so many words, known ones and others; it says many things again."""
    random = np.random.default_rng(seed)
    return " ".join(random.choice([*SCORER.model.encoder.vocabulary, *(f"zzz{n}" for n in range(20))], words).tolist())


def effect(scorer: Scorer, words: list[str], first: int, last: int) -> float:
    """By how much the score is lower without some words, which are written over."""
    without = [*words[:first], *[UNKNOWN] * (last - first + 1), *words[last + 1 :]]
    score, other = scorer.score([" ".join(words), " ".join(without)])
    return float(score) - float(other)


@pytest.mark.parametrize("scorer", [SCORER, *OTHERS], ids=["ngrams", "network", "model-1"])
@pytest.mark.parametrize("text", ["wonderful film", "A dull, DULL film!", LONGISH, "great not " * 40, drawn(250), drawn(LONG + 1)])
def test_a_weight_is_what_the_word_adds_to_the_score(scorer: Scorer, text: str) -> None:
    words = scorer.model.encoder.words(text)
    found = explain(scorer, text, float(scorer.score([text])[0]))
    assert found
    sizes = [abs(float(item["weight"])) for item in found]
    assert sizes == sorted(sizes, reverse=True)
    for item in found:
        places = [at for at, word in enumerate(words) if word == item["word"]]
        assert min(abs(effect(scorer, words, at, at) - float(item["weight"])) for at in places) < 1e-5


@pytest.mark.parametrize("text", [LONGISH, drawn(50) + " wonderful " + drawn(200, seed=1)])
def test_the_word_that_matters_is_found_in_a_long_text(text: str) -> None:
    """By trying every word, which the two passes avoid."""
    words = SCORER.model.encoder.words(text)
    effects = [abs(effect(SCORER, words, at, at)) for at in range(len(words))]
    (first, *_) = explain(SCORER, text, float(SCORER.score([text])[0]))
    assert abs(float(first["weight"])) == pytest.approx(max(effects), abs=1e-5)


@pytest.mark.parametrize("text", [drawn(LONG + 1), drawn(3 * LONG), "great not " * LONG])
def test_the_parts_of_a_long_text(text: str) -> None:
    """They are the text, and each counts for what the score loses without it."""
    words = SCORER.model.encoder.words(text)
    parts = Explanation(SCORER, text).parts()
    assert len(parts) == AT_ONCE
    assert [place for part in parts for place in range(int(part["first"]), int(part["last"]) + 1)] == list(range(len(words)))
    for part in parts:
        first, last = int(part["first"]), int(part["last"])
        assert part["begins"] == " ".join(words[first : last + 1][:5])
        assert effect(SCORER, words, first, last) == pytest.approx(float(part["weight"]), abs=1e-5)
    assert Explanation(SCORER, drawn(LONG)).parts() == []


class Counting(Scorer):
    """Keeps the rows, the tokens of the longest row and the n-grams of everything that it scores."""

    def __init__(self, path: Path) -> None:
        self.sizes: list[tuple[int, int, int]] = []
        super().__init__(path)
        self.sizes.clear()  # it scores an empty text first, to see that it can

    def outputs(self, reviews: Encoded, names: Sequence[str] | None = None) -> dict[str, np.ndarray]:
        self.sizes.append((len(reviews), int(reviews.tokens.lengths.max()), len(reviews.ngrams.ids)))
        return super().outputs(reviews, names)


@pytest.mark.parametrize("words", [1, AT_ONCE, 60, LONG, 50_000])
def test_the_work_is_bounded_whatever_the_text(words: int) -> None:
    scorer = Counting(FIXTURES / "default-bilstm.h5")
    explanation = Explanation(scorer, drawn(words))
    explanation.words()
    explanation.parts()
    assert len(scorer.sizes) <= 2
    for rows, tokens, ngrams in scorer.sizes:
        assert 2 <= rows <= AT_ONCE + 1
        assert tokens <= scorer.model.encoder.settings.max_length
        assert not ngrams  # theirs is a sum


def test_the_memory_is_bounded_by_the_text() -> None:
    """That of one megabyte took 17 gigabytes."""
    text = "great not " * 100_000
    tracemalloc.start()
    try:
        explanation = Explanation(SCORER, text)
        explanation.words()
        explanation.parts()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100e6


def test_nothing_carries_an_empty_text() -> None:
    assert explain(SCORER, "", 0.5) == []


def test_words_are_those_that_are_numbered() -> None:
    encoder: Encoder = SCORER.model.encoder
    for text in ("one two", "word " * 2000, "", "naïve <b>but</b> &amp; fine"):
        assert len(encoder.words(text)) == len(encoder.number([text]).ids)
