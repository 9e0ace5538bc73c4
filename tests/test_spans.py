"""Where words stand in a text."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment.model.scorer import Scorer
from sentiment.paths import PROJECT
from sentiment.text.spans import find_spans

ENCODER = Scorer(Path(__file__).parent / "fixtures" / "default-bilstm.h5").model.encoder


def shown(text: str) -> list[tuple[str, str | None]]:
    words = ENCODER.words(text)
    spans = find_spans(text, words, ENCODER.settings)
    return [(word, text[slice(*span)] if span else None) for word, span in zip(words, spans, strict=True)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It's GREAT!", [("it's", "It's"), ("great", "GREAT"), ("!", "!")]),
        ("a 'liked' greater a", [("a", "a"), ("liked", "liked"), ("greater", "greater"), ("a", "a")]),
        ("<br />caf&eacute;", [("café", "caf&eacute;")]),
        ("😀 don’t 映画", [("😀", "😀"), ("don't", "don’t"), ("映画", "映画")]),
        ("İstanbul here", [("istanbul", None), ("here", "here")]),
    ],
)
def test_by_example(text: str, expected: list[tuple[str, str | None]]) -> None:
    assert shown(text) == expected


def test_nearly_all_words_of_the_bundled_reviews_are_where_they_are_said_to_be() -> None:
    texts = [line.split("|")[0] for line in (PROJECT / "data" / "reviews.txt").read_text("utf-8").splitlines()[1:]]
    pairs = [pair for text in texts for pair in shown(text)]
    assert sum((span or "").lower().replace("’", "'") == word for word, span in pairs) > 0.999 * len(pairs)


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_places_lie_in_the_text_one_after_the_other(text: str) -> None:
    spans = [span for span in find_spans(text, ENCODER.words(text), ENCODER.settings) if span]
    for begin, end in spans:
        assert 0 <= begin < end <= len(text)
    assert spans == sorted(spans)
