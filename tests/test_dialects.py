"""Ways to write rows that no standard has, and that some exports do: found where most rows are written so."""

from itertools import product
from pathlib import Path

import pytest

from tests.tables import labelled, rows, write

TEXTS = [f"It's number {number}; we said so" if number % 3 else f"Number {number}, dull" for number in range(20)]


def line(text: str, label: int | str, quote: str, blank: str, end: str) -> str:
    return f"{label},{blank}{quote}{text.replace(quote, quote * 2)}{quote}{end}\n"


@pytest.mark.parametrize(("quote", "blank", "end"), [*product("\"'", ("", " "), ("", ",", ", "))])
def test_rows_are_read_as_they_are_written(tmp_path: Path, quote: str, blank: str, end: str) -> None:
    body = [line(text, number % 2, quote, blank, end) for number, text in enumerate(TEXTS)]
    path = write(tmp_path / "a.csv", ["label,text\n", *body])
    assert labelled(path) == [(text, number % 2) for number, text in enumerate(TEXTS)]
    body[7] = body[7].replace("number", f"num{quote}ber")
    texts, bad = rows(write(path, ["label,text\n", *body]))
    assert (texts, list(bad)) == ([*TEXTS[:7], *TEXTS[8:]], [8])


def test_a_row_without_the_separator_that_others_have_is_bad(tmp_path: Path) -> None:
    body = [f"{number % 2};{text.replace(';', '')};\n" for number, text in enumerate(TEXTS)]
    body[3] = body[3].replace(";\n", "\n")
    _, bad = rows(write(tmp_path / "a.csv", ["label;text\n", *body]))
    assert bad == {4: "no separator behind it, which other rows have (line 5)"}


@pytest.mark.parametrize("end", ["", ","])
def test_two_bad_quotes_do_not_swallow_what_is_between(tmp_path: Path, end: str) -> None:
    lines = ["text,label\n", *(f"plain {number},{number % 2}{end}\n" for number in range(30))]
    lines[5], lines[20] = f'"open, never closed,1{end}\n', f'closed, never opened",0{end}\n'
    texts, bad = rows(write(tmp_path / "a.csv", lines))
    assert (len(texts), list(bad)) == (28, [5, 20])


@pytest.mark.parametrize("separator", ["\x01", "\x1f", "^", "~"])
def test_rarer_separators_are_taken_where_the_header_has_no_usual_one(tmp_path: Path, separator: str) -> None:
    body = [f'"{text}, ~ and ^"{separator}{number % 2}\n' for number, text in enumerate(TEXTS)]
    path = write(tmp_path / "a.txt", [f"text{separator}label\n", *body])
    assert labelled(path) == [(f"{text}, ~ and ^", number % 2) for number, text in enumerate(TEXTS)]


def test_apostrophes_that_begin_a_few_texts_are_text(tmp_path: Path) -> None:
    texts = ["'Tis fine", "'a quote'", *TEXTS]
    path = write(tmp_path / "a.csv", ["label,text\n", *(line(text, 1, '"', "", "") for text in texts)])
    assert [text for text, _ in labelled(path)] == texts
    plain = [text.replace(",", "") for text in texts]
    path = write(tmp_path / "a.csv", ["label,text\n", *(f"1,{text}\n" for text in plain)])
    assert [text for text, _ in labelled(path)] == plain


def test_a_header_may_end_in_a_separator_too(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", ["label,text,\n", *(f'{number % 2},"{text}",\n' for number, text in enumerate(TEXTS))])
    assert [text for text, _ in labelled(path)] == TEXTS
