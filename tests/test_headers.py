"""What stands above the rows of a table: a header, none, or something else."""

from pathlib import Path

import pytest

from tests.tables import LABELS, TEXTS, labelled, refusal, rows, table, write


def test_a_table_without_a_header(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [f"{number},{line}" for number, line in enumerate(table(header=False))])
    assert "header=false" in refusal(path)
    expected = [(text, int(label)) for text, label in zip(TEXTS, LABELS, strict=True)]
    assert labelled(path, header=False) == labelled(path, header=False, text_column="2", label_column="3") == expected


@pytest.mark.parametrize("start", ["sep=;\r\n", "\n  \n", "\n\nsep=;\n"])
def test_what_may_stand_before_the_header(tmp_path: Path, start: str) -> None:
    path = write(tmp_path / "a.csv", start + "a,b; Review Text ;Label\nx;fine;1\n\ny;bad;0;\nz;dull;0\n", "utf-8-sig")
    texts, bad = rows(path)
    assert texts == ["fine", "dull"]
    assert bad == {3: f"4 columns where the header has 3 (line {start.count(chr(10)) + 4})"}


def test_what_can_not_be_seen_is_no_part_of_a_name(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "\u00a0Text\u00a0,\u200blabel\ufeff\nfine,1\n")
    assert labelled(path) == [("fine", 1)]


def test_one_column_of_plain_text(tmp_path: Path) -> None:
    assert rows(write(tmp_path / "a.txt", ["text\n", *(f"{text}\n" for text in TEXTS)])) == (TEXTS, {})
