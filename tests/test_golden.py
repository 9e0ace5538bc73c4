"""The texts that the gate wants told apart, and which of them count."""

from pathlib import Path

import pytest

from sentiment.errors import UserError
from sentiment.model.scorer import Scorer
from sentiment.registry import gate, golden
from sentiment.settings import MainSettings, RegisterSettings, TextSettings
from sentiment.steps import main, register
from sentiment.text.vocabulary import Encoder

FILE = Path(__file__).parent / "fixtures" / "default-bilstm.h5"


def knowing(*words: str) -> Encoder:
    return Encoder(TextSettings(), words)


@pytest.mark.parametrize(
    ("words", "pairs"),
    [
        ((), 0),
        (("gut", "schlecht", "film", ".", ",", "a", "of", "the", "story", "year"), 0),  # what both have, and function words
        (("wonderful", "great", "excellent", "funny"), 0),  # of one side alone
        (("wonderful", "boring"), 0),  # of different pairs
        (("loved", "terrible"), 1),
        (("loved", "hated", "great", "dull", "best", "worst", "warm", "mess"), 4),
    ],
)
def test_built_in_pairs_count_if_both_texts_have_a_known_word_of_their_own(words: tuple[str, ...], pairs: int) -> None:
    every = golden.read("none")
    counting = every.known_to(knowing(*words))
    assert len(counting.pairs) == pairs
    assert len(counting.left_out) == len(every.pairs) - pairs
    assert set(counting.left_out) == {first for first, _ in every.pairs} - {first for first, _ in counting.pairs}


def test_those_of_a_file_all_count(tmp_path: Path) -> None:
    path = tmp_path / "golden.csv"
    path.write_text("text,label\nSehr gut,1\nSchlecht,0\nHerrlich,1\n", "utf-8")
    read = golden.read(str(path))
    assert read.pairs == (("Sehr gut", "Schlecht"), ("Herrlich", "Schlecht"))
    assert read.known_to(knowing()) == read
    lines = tmp_path / "golden.jsonl"
    lines.write_text('{"text": "Schlecht", "label": "negative"}\n{"text": "Sehr gut", "label": "positive"}\n', "utf-8")
    assert golden.read(str(lines)).pairs == (("Sehr gut", "Schlecht"),)


@pytest.mark.parametrize("content", [None, "", "text,label\n", "text,label\nGut,1\n", "words\nGut\n", "text,label\nGut,1\nNa ja,2\n"])
def test_a_file_that_is_none_is_refused_before_anything_is_done(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "golden.csv"
    if content is not None:
        path.write_text(content)
    for step in (
        lambda: main.run(MainSettings(golden=str(path))),
        lambda: register.run(RegisterSettings(golden=str(path))),
    ):
        with pytest.raises(UserError, match=r"Received: .*golden\.csv"):
            step()


def test_the_gate_names_the_pairs_and_what_to_do() -> None:
    scorer = Scorer(FILE)
    right = golden.Golden((("A wonderful film", "A terrible film"),), "mine.csv")
    wrong = golden.Golden((("A terrible film", "A wonderful film"), ("same", "same")), "mine.csv")
    assert gate.golden_failures(scorer, right) == []
    assert gate.golden_failures(scorer, wrong) == ["A terrible film", "same"]
    none = golden.Golden((), "built-in")
    assert gate.golden_failures(scorer, none) == []
