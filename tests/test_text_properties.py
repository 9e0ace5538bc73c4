"""What holds of the cleaning of any text whatever."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment.settings import TextSettings
from sentiment.text.vocabulary import Encoder
from sentiment.text.words import clean, find_words, to_arrow

WAYS = (
    TextSettings(),
    TextSettings(lowercase=False),
    TextSettings(strip_punctuation=True),
    TextSettings(remove_stop_words=True),
    TextSettings(cleaning=1),
)
PIECES = st.sampled_from(
    ["<", "</b>", "&", "&amp;", "&#39;", "'", "´", "`", "′", "’", " ", "\t", "\n", ".", "not", "É", "日", "น่", "\ud800", "한"]
)
TEXT = st.lists(st.one_of(PIECES, st.characters(exclude_categories=()), st.characters(max_codepoint=127)), max_size=25).map("".join)
bounded = settings(max_examples=150, derandomize=True, deadline=None, database=None)


def words(text: str, way: TextSettings) -> list[str]:
    return Encoder(way, ()).words(text)


@pytest.mark.parametrize("way", WAYS, ids=str)
@bounded
@given(st.lists(TEXT, min_size=1, max_size=8))
def test_a_text_has_the_same_words_alone_and_among_others(way: TextSettings, texts: list[str]) -> None:
    found = find_words(texts, way)
    together = [[found.distinct[place] for place in found.rows.row(at)] for at in range(len(texts))]
    assert together == [words(text, way) for text in texts]
    known = sorted({word for row in together for word in row})
    numbers = {word: place + 1 for place, word in enumerate(known)}
    encoder = Encoder(way, tuple(known))
    for text, row in zip(texts, together, strict=True):
        assert encoder.number([text]).ids.tolist() == [numbers[word] for word in row]


@pytest.mark.parametrize("way", WAYS, ids=str)
@bounded
@given(TEXT)
def test_words_are_parted_by_the_one_blank_and_hold_no_control(way: TextSettings, text: str) -> None:
    cleaned = str(clean(to_arrow([text]), way)[0])
    assert {character for character in cleaned if character.isspace()} <= {" "}
    assert not [character for character in cleaned if unicodedata.category(character)[0] == "C"]
    assert not [word for word in words(text, way) if word.startswith("'") or word.endswith("'")]


@bounded
@given(TEXT)
def test_words_cleaned_again_are_themselves(text: str) -> None:
    once = words(text, TextSettings(lowercase=False))  # lower case may leave a letter and a mark that are one character in it
    assert words(" ".join(once), TextSettings(lowercase=False)) == once


@bounded
@given(TEXT, st.sampled_from("´`′’‘ʼ"))
def test_apostrophes_are_one(text: str, mark: str) -> None:
    assert words(text.replace("'", mark), TextSettings()) == words(text, TextSettings())


@bounded
@given(TEXT, TEXT)
def test_words_of_two_texts_are_those_of_each(one: str, other: str) -> None:
    if "&" in one + other or "<" in unicodedata.normalize("NFKC", one + other):
        return  # a tag may begin in the one and end in the other
    assert words(f"{one} {other}", TextSettings()) == words(one, TextSettings()) + words(other, TextSettings())
