"""Cleaning, words, vocabulary."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from sentiment import hdf5
from sentiment.preparation.prefetch import prefetch
from sentiment.ragged import Ragged
from sentiment.settings import PrepareSettings, TextSettings
from sentiment.text import ngrams
from sentiment.text.vocabulary import LITTLE, Encoder, WordCounter
from sentiment.text.vocabulary_file import read_encoder
from sentiment.text.words import STOP_WORDS, clean, find_words, split_at_blanks, to_arrow


def words(text: str, **settings: bool) -> list[str]:
    return str(clean(to_arrow([text]), TextSettings(**{"strip_punctuation": True} | settings))[0]).split()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It's GREAT!!! 10/10", ["it's", "great", "10", "10"]),
        ("bad.<br /><br />Really<i>bad</i>", ["bad", "really", "bad"]),
        ("'quoted' and “curly” don’t", ["quoted", "and", "curly", "don't"]),
        ("naïve café—déjà vu…", ["naïve", "café", "déjà", "vu"]),
        ("cafe\u0301", ["café"]),  # composed, or it would be another word
        ("2 < 3 and a<b", ["2", "3", "and", "a", "b"]),
        ("a\tb\nc\x00d\u200be\u00a0f", ["a", "b", "c", "d", "e", "f"]),
        ("日本語の映画。हिन्दी 한국어", ["日", "本", "語", "の", "映", "画", "हिन्दी", "한국어"]),
        ("น่ารักมาก ลาว", ["น่", "า", "รั", "ก", "ม", "า", "ก", "ล", "า", "ว"]),  # marks stay with their character
        ("iPhone很好abc", ["iphone", "很", "好", "abc"]),
        ("don´t can`t won′t I&acute;m &#96;so&#96; ``quoted''", ["don't", "can't", "won't", "i'm", "so", "quoted"]),
        ("don\x92t\x85well", ["don't", "well"]),
        ("It&#39;s &quot;A &amp; B&quot; &eacute;t&eacute;", ["it's", "a", "b", "été"]),
        ("😀 ok", ["ok"]),
        ("", []),
        ("... !!!", []),
    ],
)
def test_words_are_what_a_reader_sees(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_files_that_name_no_cleaning_are_cleaned_as_ever() -> None:
    with hdf5.reading(Path(__file__).parent / "fixtures" / "default-bilstm.h5", "a model", "") as file:
        assert "cleaning" not in file.group("sentiment").text("text_settings")
        encoder = read_encoder(file.group("sentiment"))
    assert encoder.words("很好. don´t can`t won′t") == ["很好", ".", "don", "\u0301t", "can", "`", "t", "won", "′", "t"]
    assert len(encoder.number(["can`t"]).ids) == 3
    assert TextSettings() == PrepareSettings().text != encoder.settings


def test_each_setting_does_what_it_says() -> None:
    assert words("Not BAD, 'ok'?", lowercase=False) == ["Not", "BAD", "ok"]
    assert words("Wow! A–b", strip_punctuation=False) == ["wow", "!", "a", "–", "b"]
    settings = TextSettings(remove_stop_words=True, lowercase=False)
    counter = WordCounter(settings)
    counter.add(find_words(["The film WAS not very good"] * 2, settings))
    encoder, _ = counter.finish(counter.numbered, np.arange(2))
    assert encoder.vocabulary == ("film", "good", "not", "very")


def test_stop_words_turn_no_opinion() -> None:
    assert not STOP_WORDS & {"not", "no", "nor", "never", "don't", "isn't", "but", "very", "too", "only", "few", "more", "most"}


def test_words_are_numbered_by_frequency_then_alphabet() -> None:
    settings = TextSettings(vocabulary_size=7)
    counter = WordCounter(settings)
    for texts in (["b b a c f f", "only here only here only here"], ["a b d c d e"]):
        counter.add(find_words(texts, settings))
    encoder, reviews = counter.finish(counter.numbered, np.array([0, 2]))  # row 1 is not counted
    assert (encoder.vocabulary, encoder.more_words) == (("b", "a", "c"), ("d", "f", "e"))
    assert [row(reviews, i) for i in range(3)] == [[1, 1, 2, 3, 5, 5], [0, 0, 0, 0, 0, 0], [2, 1, 4, 3, 4, 6]]
    assert [row(encoder.tokens(reviews), i) for i in range(3)] == [[1, 4, 4, 5, 6, 2, 2], [1, 2, 2, 2, 2, 2, 2], [1, 5, 4, 2, 6, 2, 2]]


def test_words_that_occur_once_have_no_token_id() -> None:
    counter = WordCounter(TextSettings())
    counter.add(find_words(["once good", "good bad elsewhere", "elsewhere bad"], TextSettings()))
    encoder, reviews = counter.finish(counter.numbered, np.array([0, 1]))  # `elsewhere` and `bad` occur once in these
    assert (encoder.vocabulary, encoder.more_words) == (("good",), ("bad", "elsewhere", "once"))
    assert encoder.size == 5
    assert row(encoder.tokens(reviews), 0) == row(encoder.encode(["once good"]).tokens, 0) == [1, 2, 4]


def test_of_the_words_without_a_token_id_those_in_ngrams_are_kept() -> None:
    encoder = Encoder(TextSettings(), ("a", "b"), ("c", "d", "e"))
    texts = ["a c", "c a", "c e", "d a"]
    kept = encoder.with_ngrams(ngrams.fit(encoder.number(["a c a", "c a"]), 10))
    assert (kept.vocabulary, kept.more_words) == (("a", "b"), ("c",))
    assert [row(kept.number(texts), at) for at in range(4)] == [[1, 3], [3, 1], [3, 0], [0, 1]]
    before = kept.ngrams.encode(encoder.number(texts))
    assert kept.encode(texts).ngrams.ids.tolist() == before.ids.tolist() != []
    without = encoder.with_ngrams(ngrams.fit(encoder.number(["a"]), 10))  # all their words have token ids
    assert (without.vocabulary, without.more_words) == (("a", "b"), ())


def test_what_serves_encodes_as_what_prepared() -> None:
    texts = ["One fine, <b>fine</b> day’s work", "", "¿Qué? naïve 'x'", "Naïve, one", "z " * 50]
    for settings in (
        TextSettings(max_length=12),
        TextSettings(strip_punctuation=False, lowercase=False),
        TextSettings(remove_stop_words=True),
    ):
        counter = WordCounter(settings)
        counter.add(find_words(texts, settings))
        encoder, prepared = counter.finish(counter.numbered, np.arange(len(texts)))
        for one, other in ((encoder.number(texts), prepared), (encoder.encode(texts).tokens, encoder.tokens(prepared))):
            assert one.ids.tolist() == other.ids.tolist()
            assert one.offsets.tolist() == other.offsets.tolist()


@pytest.mark.parametrize("settings", [TextSettings(), TextSettings(strip_punctuation=False, lowercase=False), TextSettings(max_length=7)])
def test_little_text_is_encoded_as_much_is(settings: TextSettings) -> None:
    random = np.random.default_rng(0)
    pieces = [
        "<",
        ">",
        "</",
        "<b>",
        "br",
        " ",
        "'",
        "''",
        "a",
        "B",
        "don't",
        "x'",
        "'y",
        ".",
        "!",
        "(",
        "\t",
        "\n",
        "\x00",
        "\x7f",
        "_",
        "-",
        "1",
    ]
    texts = ["".join(random.choice(pieces, random.integers(0, 30))) for _ in range(400)]
    encoder = Encoder(settings, ("a", "b", "don't", "x", "y", "1", ".", "!", "'", "<", "B"))
    much = encoder.number([*texts, "z" * LITTLE])
    for place, text in enumerate(texts):
        assert encoder.number([text]).ids.tolist() == row(much, place), repr(text)


# Cleaned, each fills whole units of 64 bytes, so that Arrow's buffer ends where the text does; and with a blank.
FILLING = ["é " * words + "x" * (size - 3 * words - 3) + "." for size in (64, 128, 256, 1024) for words in range(1, 20)]


def test_what_lies_behind_a_text_is_not_read() -> None:
    for behind in (b"", b"\x00", b"x", b" ", b"\x80", b"\xff"):
        cleaned = pa.StringArray.from_buffers(1, pa.py_buffer(np.array([0, 4], np.int32)), pa.py_buffer(b"a . " + behind))
        assert split_at_blanks(cleaned).to_pylist() == [["a", ".", ""]], behind


def test_eight_threads_find_the_words_that_one_finds() -> None:
    expected = [[*text.removesuffix(".").split(), "."] for text in FILLING]

    def find(repetition: int) -> list[list[str]]:
        return [split_alone(text) for text in FILLING]

    def split_alone(text: str) -> list[str]:
        words = find_words([text], TextSettings())
        return [words.distinct[place] for place in words.rows.ids]

    assert [len(str(clean(to_arrow([text]), TextSettings())[0]).encode()) % 64 for text in FILLING] == [0] * len(FILLING)
    with ThreadPoolExecutor(8) as pool:
        for words in pool.map(find, range(64)):
            assert words == expected


def test_words_found_ahead_are_those_found_alone() -> None:
    """As `prepare` finds them: the next batches in other threads, while the words of one are counted."""
    batches = [[one, other] for one, other in zip(FILLING, reversed(FILLING), strict=True)] * 16
    python = Encoder(TextSettings(), ())
    for batch, words in prefetch(lambda batch: find_words(batch, TextSettings()), batches):
        assert [words.distinct[place] for place in words.rows.ids] == [word for text in batch for word in python.words(text)]


def test_a_long_review_keeps_its_ends() -> None:
    encoder = Encoder(TextSettings(max_length=6), ("a", "b", "c", "d", "e", "f", "g"))
    reviews = encoder.encode(["a b c d e f g", "a b c d e", "a b c d e f"])
    assert [row(reviews.tokens, i) for i in range(3)] == [[1, 4, 5, 8, 9, 10], [1, 4, 5, 6, 7, 8], [1, 4, 5, 7, 8, 9]]


def test_any_python_string_can_be_encoded() -> None:
    encoder = Encoder(TextSettings(), ("a",))
    for text in ("\ud800 a", "\x00", "a" * 1_000_000, "<" * 10_000, "'" * 10_000, "𝕏 a"):
        assert encoder.encode([text]).tokens.ids[0] == 1


def test_padded_rows() -> None:
    reviews = Ragged(np.array([1, 4, 5, 1], np.int32), np.array([0, 3, 4]))
    assert reviews.padded().tolist() == [[1, 4, 5], [1, 0, 0]]
    assert reviews.padded_reversed().tolist() == [[5, 4, 1], [1, 0, 0]]
    assert reviews.take(np.array([1, 0, 1])).ids.tolist() == [1, 1, 4, 5, 1]


def row(reviews: Ragged, index: int) -> list[int]:
    found: list[int] = reviews.row(index).tolist()
    return found
