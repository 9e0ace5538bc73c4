"""Labels of all kinds: known, proposed, named, left out."""

import shlex
from pathlib import Path

import pytest

from sentiment.reviews import find_source
from sentiment.settings import PrepareSettings
from tests.tables import labelled, refusal, write

STARS = [("worst", "1"), ("bad", "2.0"), ("so so", "3"), ("good", "4"), ("best", " 5 ")]


@pytest.mark.parametrize(
    ("labels", "proposal"),
    [
        ("12345", "positive=4,5 and negative=1,2"),
        ("04", "positive=4 and negative=0"),
        ("024", "positive=4 and negative=0"),
        (["-1", "1"], "positive=1 and negative=-1"),
        (["yes", "No"], "positive=yes and negative=no"),
        (["positive", "neutral", "negative"], "positive=positive and negative=negative"),
        (["__label__1", "__label__2"], "positive=__label__2 and negative=__label__1"),
        (["1,0", "2,0", "3,0", "4,0", "5,0"], "positive=4,5 and negative=1,2"),
        (["LABEL_0", "LABEL_1"], "positive=label_1 and negative=label_0"),
        (["1 star", "5 stars"], "positive='5 stars' and negative='1 star'"),
        (["★☆☆☆☆", "★★★", "★★★★★"], "positive='★★★★★' and negative='★☆☆☆☆'"),
        (["👍", "👎"], "positive='👍' and negative='👎'"),
        (["1.0 out of 5 stars", "5.0 out of 5 stars"], "positive='5.0 out of 5 stars' and negative='1.0 out of 5 stars'"),
        (["positive", "negative", "good, really"], "positive=positive and negative=negative"),
        (["1/10", "5/10", "10/10"], "positive=10/10 and negative=1/10,5/10"),
        (
            ["very negative", "negative", "neutral", "positive", "very positive"],
            "positive='positive,very positive' and negative='negative,very negative'",
        ),
        (["oui", "non"], "positive=oui and negative=non"),
        (["good, really", "so so"], 'positive=... and negative=... of these labels: "good, really", so so'),
    ],
)
def test_labels_that_are_not_known_are_proposed_and_then_read(tmp_path: Path, labels: list[str], proposal: str) -> None:
    path = write(tmp_path / "a.csv", "text;label\n" + "".join(f"text {label};{label}\n" for label in labels))
    line = refusal(path)
    assert f"Give {proposal}" in line
    if "..." not in proposal:
        named = dict(part.split("=") for part in shlex.split(proposal) if part != "and")
        positive = {f"text {label}" for label in labels if label.lower().removesuffix(",0") in named["positive"].split(",")}
        assert {text for text, label in labelled(path, **named) if label} == positive


def test_labels_that_are_not_named_are_left_out_and_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,label\n" + "".join(f"{text},{label}\n" for text, label in STARS))
    settings = PrepareSettings(reviews=str(path), positive="4,5", negative="1,2")
    batches = list(find_source(settings).read(lambda size: None))
    assert [(batch.texts, batch.labels, batch.left_out) for batch in batches] == [(["worst", "bad", "good", "best"], [0, 0, 1, 1], 1)]
    assert "Only one" in refusal(path, positive="5")
    assert "positive and negative" in refusal(path, positive="5,4", negative="4.0")


def test_a_label_with_a_comma_is_named_in_quotes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'text;label\na;good, really\nb;"bad, ""truly"""\nc;fine\nd;so so\n')
    named = {"positive": '"good, really", fine', "negative": '"bad, ""truly""'}
    assert labelled(path, **named) == [("a", 1), ("b", 0), ("c", 1)]


def test_fasttext_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "__label__2 Great CD: my lovely Pat\n__label__1 Dull, dull\n")
    assert labelled(path, positive="__label__2", negative="1") == [("Great CD: my lovely Pat", 1), ("Dull, dull", 0)]
    assert labelled(write(path, "__label__pos\tGood\tone \n__label__neg Dull\n")) == [("Good\tone", 1), ("Dull", 0)]
    assert "more than one" in refusal(write(path, "__label__pos __label__film Good\n"))


@pytest.mark.parametrize("name", ["stars", "Rating", "overall"])
def test_columns_of_stars_are_labels(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "a.csv", f"text,{name}\ngood,5\nbad,1\n")
    assert "Give positive=5 and negative=1" in refusal(path)
    assert labelled(write(path, f"label,text,{name}\n0,good,5\n1,bad,1\n")) == [("good", 0), ("bad", 1)]
