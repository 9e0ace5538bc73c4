"""Rows that are damaged, escaped or too long cost themselves alone."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.tables import LABELS, TEXTS, labelled, refusal, rows, table, write

DAMAGES: dict[str, Callable[[str], str]] = {
    "a stray quote": lambda line: line.replace("number", 'num"ber', 1),
    "a stray quote and a comma": lambda line: line.replace("was", '", was', 1),
    "a missing closing quote": lambda line: line.replace('left"', "left", 1),
    "a missing opening quote": lambda line: line.replace('"', "", 1),
}


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("at", [1, 7, 30])
def test_a_bad_quote_costs_its_row_alone(tmp_path: Path, quoting: Literal[0, 1], damage: str, at: int) -> None:
    lines = table(quoting)
    lines[at] = DAMAGES[damage](lines[at])
    path = write(tmp_path / "a.csv", lines)
    texts, bad = rows(path)
    assert list(bad) == [at]
    assert f"line {at + 1}" in bad[at]
    assert texts == TEXTS[: at - 1] + TEXTS[at:]
    assert f"row {at} " in refusal(path)


def test_a_row_that_is_cut_off_is_bad(tmp_path: Path) -> None:
    whole = "".join(table(csv.QUOTE_ALL))
    texts, bad = rows(write(tmp_path / "a.csv", whole[:-20]))
    assert (texts, list(bad)) == (TEXTS[:-1], [30])


def test_two_bad_quotes_far_apart_do_not_swallow_what_is_between(tmp_path: Path) -> None:
    lines = ["text,label\n", *(f"plain {number},{number % 2}\n" for number in range(30))]
    lines[5], lines[20] = '"open, never closed,1\n', 'closed, never opened",0\n'
    texts, bad = rows(write(tmp_path / "a.csv", lines))
    assert list(bad) == [5, 20]
    assert len(texts) == 28


def test_rows_of_several_lines_may_be_damaged_too(tmp_path: Path) -> None:
    records = [f'"{number}","first line\nsecond, line {number}\nthird"\n' for number in range(30)]
    records[9] = '"9","first "line\nsecond, line 9\nthird"\n'
    texts, bad = rows(write(tmp_path / "a.csv", ['"id","text"\n', *records]))
    assert list(bad) == [10]
    assert texts[9] == "first line\nsecond, line 10\nthird"


@pytest.mark.parametrize("escape", ["auto", "backslash", "\\"])
def test_backslashes_escape_where_that_makes_the_rows_right(tmp_path: Path, escape: str) -> None:
    lines = [f'"He said \\"{text}\\", C:\\new",{label}\n' for text, label in zip(TEXTS, LABELS, strict=True)]
    spark = write(tmp_path / "spark.csv", ["text,label\n", *lines])
    assert [text for text, _ in labelled(spark, escape=escape)] == [f'He said "{text}", C:\\new' for text in TEXTS]
    mysql = write(tmp_path / "mysql.tsv", "text\tlabel\na\\\tb\\\nc \\\\ d\t1\n" + "\\N\t0\nplain\t0\n")
    assert labelled(mysql, escape=escape) == [("a\tb\nc \\ d", 1), ("", 0), ("plain", 0)]


def test_backslashes_are_text_elsewhere(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'text,label\nC:\\new,1\n"a ""b\\"", c",0\n')
    assert labelled(path) == [("C:\\new", 1), ('a "b\\", c', 0)]
    assert "not one character" in refusal(path, escape="ab")


def test_rows_that_are_too_long_cost_themselves_alone(tmp_path: Path) -> None:
    long = "w" * 5000
    csv_file = write(tmp_path / "a.csv", f'text,label\nfine,1\n{long},1\n"{long}\n{long}",0\nbad,0\n')
    texts, bad = rows(csv_file, max_row=1000)
    assert texts == ["fine", "bad"]
    assert all("max_row" in problem for problem in list(bad.values())[:2])
    jsonl = write(tmp_path / "a.jsonl", f'{{"text": "fine"}}\n{{"text": "{long}"}}\n{{"text": "bad"}}\n')
    assert rows(jsonl, max_row=1000) == (["fine", "bad"], {2: "longer than 1000 characters (max_row)"})
    pq.write_table(pa.table({"text": ["fine", long, "bad"]}), tmp_path / "a.parquet")
    assert rows(tmp_path / "a.parquet", max_row=1000) == (["fine", "bad"], {2: "longer than 1000 characters (max_row)"})
    assert rows(csv_file) == (["fine", long, f"{long}\n{long}", "bad"], {})
