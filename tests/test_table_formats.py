"""Tables in other forms than plain lines: packed, JSON, Parquet, and what is no file."""

import bz2
import gzip
import io
import json
import lzma
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sentiment.reviews import find_source
from sentiment.reviews.table_formats import open_rows
from sentiment.settings import PrepareSettings, TableSettings
from tests.tables import LABELS, TEXTS, labelled, refusal, rows, table, write

PACKINGS: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


def zipped(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize("packing", [*PACKINGS, "zip"])
def test_packed_tables(tmp_path: Path, packing: str) -> None:
    content = "".join(table()).encode()
    packed = zipped({"__MACOSX/._a.csv": b"x", "in/a.csv": content}) if packing == "zip" else PACKINGS[packing](content)
    assert rows(write(tmp_path / f"a.csv.{packing}", packed)) == (TEXTS, {})
    assert "can't be read" in refusal(write(tmp_path / f"b.csv.{packing}", packed[: len(packed) // 2]))
    bomb = b"text\n" + b"a " * 2_000_000
    bomb = zipped({"a.csv": bomb}) if packing == "zip" else PACKINGS[packing](bomb)
    assert "max_size" in refusal(write(tmp_path / f"c.csv.{packing}", bomb), max_size=1_000_000)


def test_zip_files_of_other_things(tmp_path: Path) -> None:
    assert "Excel" in refusal(write(tmp_path / "a.xlsx", zipped({"[Content_Types].xml": b"", "xl/workbook.xml": b""})))
    assert "Excel" in refusal(write(tmp_path / "a.csv", bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 500))
    assert "2 files" in refusal(write(tmp_path / "a.zip", zipped({"a.csv": b"", "b.csv": b""})))


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"Rar!\x1a\x07\0", "packed with RAR"),
        (bytes.fromhex("04224d18"), "packed with LZ4"),
        (b"ARROW1\0\0", "Feather"),
        (b"ORC\n", "ORC"),
        (b"SQLite format 3\0", "an SQLite database"),
        (b"<!DOCTYPE html>", "a web page"),
        (b'<?xml version="1.0"?>', "XML"),
        (b"\x1f\x9d\x90", "packed with compress"),
        (b"\x5d\0\0\x80", "packed as .lzma"),
        (gzip.compress(b"text,label\nfine,1\n"), "packed twice"),
        (tarfile.TarInfo("a.csv").tobuf(), "an archive"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_kinds_are_named_packed_or_not(tmp_path: Path, start: bytes, what: str) -> None:
    for packing in PACKINGS.values():
        assert f"The file is {what}" in refusal(write(tmp_path / "packed.csv", packing(start + b" " * 600)))
    if "twice" not in what:
        assert f"The file is {what}" in refusal(write(tmp_path / "a.csv", start + b" " * 600))


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("wrap", ["[%s]", "\n %s", " [\n%s\n]\n"])
def test_json_arrays_and_rows_of_several_lines(tmp_path: Path, indent: int | None, wrap: str) -> None:
    records = [{"text": text, "label": int(label), "more": {"a": [1, 2]}} for text, label in zip(TEXTS * 200, LABELS * 200, strict=True)]
    between = "," if "[" in wrap else "\n"
    path = write(tmp_path / "a.json", wrap % between.join(json.dumps(record, indent=indent) for record in records))
    assert labelled(path) == [(record["text"], record["label"]) for record in records]
    assert "not JSON" in refusal(write(path, path.read_text()[:-40]))
    other = write(tmp_path / "a.txt", wrap % between.join(json.dumps(record, indent=indent) for record in records))
    assert labelled(other) == [(record["text"], record["label"]) for record in records]


@pytest.mark.parametrize(
    "around",
    ['{"reviews": %s}', ' {"of": "a shop, {", "meta": {"n": [1]}, "none": [], "count": 2,\n "reviews" : %s,\n"more": {"a": [1]}}\n'],
)
@pytest.mark.parametrize("name", ["a.json", "a.txt"])
def test_json_rows_in_an_object(tmp_path: Path, around: str, name: str) -> None:
    records = [{"text": text, "label": int(label), "more": [{"a": 1}]} for text, label in zip(TEXTS * 200, LABELS * 200, strict=True)]
    path = write(tmp_path / name, around % json.dumps(records))
    assert labelled(path) == [(record["text"], record["label"]) for record in records]
    assert "cut off" in refusal(write(path, path.read_text().rstrip()[: -1 - len(around.rpartition("%s")[2].strip()) + 1]))
    assert "behind the array" in refusal(write(path, around % json.dumps(records) + "}"))


def test_a_row_with_an_array_is_a_row(tmp_path: Path) -> None:
    row = '{"text": "fine", "label": 1, "more": [{"a": 1}]}'
    assert labelled(write(tmp_path / "a.jsonl", row)) == [("fine", 1)]
    assert labelled(write(tmp_path / "a.json", f"{row}\n{row}\n")) == [("fine", 1)] * 2


@pytest.mark.parametrize("orient", ["columns", "index", "split", "table"])
def test_json_that_is_not_written_by_rows(tmp_path: Path, orient: Literal["columns", "index", "split", "table"]) -> None:
    frame = pd.DataFrame({"text": TEXTS, "label": LABELS})
    assert "not written by rows" in refusal(write(tmp_path / "a.json", frame.to_json(orient=orient)))


def test_a_zip_file_with_a_password_is_called_so(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("a.csv", "text,label\nfine,1\n")
    content = bytearray((tmp_path / "a.zip").read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1  # Python can't encrypt
    assert "needs a password" in refusal(write(tmp_path / "a.zip", bytes(content)))


def test_what_is_wrong_with_json_is_said(tmp_path: Path) -> None:
    assert "row 2" in refusal(write(tmp_path / "a.json", '[{"text": "a", "label": 1}, {"text": oops}]'))
    assert "behind the array" in refusal(write(tmp_path / "a.json", '[{"text": "a", "label": 1}] more'))
    assert "max_row" in refusal(write(tmp_path / "a.json", '[{"text": "' + "a" * 300_000 + '", "label": 1}]'), max_row=1000)
    deep = '[{"text": "fine", "label": 1}, ' + "[" * 100_000 + "]" * 100_000 + "]"
    assert "recursion" in refusal(write(tmp_path / "a.json", deep))
    assert "row 1 of" in (line := refusal(write(tmp_path / "a.jsonl", "{'text': 'single quotes', 'label': 1}\n" * 3)))
    assert "not JSON" in line
    assert "not a JSON object" in refusal(write(tmp_path / "a.json", '["a text", "another"]'))


def test_lone_surrogates_are_no_characters(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"text": "a \\ud83d b \\ud83d\\ude00", "label": 1}\n')
    assert labelled(path) == [("a \ufffd b 😀", 1)]


def test_pipes_and_devices_are_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    for path in (tmp_path / "pipe.csv", Path("/dev/zero")):
        assert "pipe or device" in refusal(path)
    folder = tmp_path / "a" / "train" / "pos"
    folder.mkdir(parents=True)
    write(folder / "1_9.txt", "fine")
    os.mkfifo(folder / "2_9.txt")
    assert "pipe" in refusal(tmp_path / "a")
    assert find_source(PrepareSettings(reviews=str(tmp_path / "a"))).fingerprint()


@pytest.mark.parametrize("text", [pa.string(), pa.large_string(), pa.binary(), pa.dictionary(pa.int32(), pa.string())])
def test_parquet_has_texts_of_several_types(tmp_path: Path, text: pa.DataType) -> None:
    texts = pa.array([each.encode() for each in TEXTS] if text == pa.binary() else TEXTS)
    pq.write_table(pa.table({"text": texts.cast(text), "label": [number % 2 for number in range(30)]}), tmp_path / "a.parquet")
    assert labelled(tmp_path / "a.parquet") == [(text, int(label)) for text, label in zip(TEXTS, LABELS, strict=True)]


def test_only_the_columns_that_are_needed_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    marked = ["odd " + "xyzzy" * 3] * 30
    pq.write_table(
        pa.table({"odd": marked, "text": TEXTS, "label": [number % 2 for number in range(30)]}),
        path,
        use_dictionary=False,
        compression="gzip",
    )
    column = pq.read_metadata(path).row_group(0).column(0)
    content = bytearray(path.read_bytes())
    begins = column.data_page_offset
    content[begins : begins + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    path.write_bytes(content)
    assert [text for text, _ in labelled(path)] == TEXTS
    assert "can't be read" in refusal(path, text_column="odd")


def test_parquet_that_holds_one_text_many_times_is_refused(tmp_path: Path) -> None:
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), pa.array(["good " * 2000]))
    pq.write_table(pa.table({"text": texts, "label": [1] * 100_000}), tmp_path / "a.parquet")
    assert "max_size" in refusal(tmp_path / "a.parquet")


def test_a_text_of_parquet_that_is_too_long_is_not_copied_for_each_row(tmp_path: Path) -> None:
    """It is there once: a few kilobytes for what would be gigabytes."""
    texts = pa.DictionaryArray.from_arrays(pa.array([0, 1] * 64, pa.int32()), pa.array(["x" * 5_000_000, "good"], pa.large_string()))
    pq.write_table(pa.table({"text": texts, "label": [0, 1] * 64}), tmp_path / "a.parquet")
    rows = open_rows(tmp_path / "a.parquet", TableSettings(max_row=1000, max_size=10**9)).read(lambda size: None, ["text"])
    problems, copies = [], set()
    for row in rows:
        problems.append(row.problem)
        if row.problem:
            copies.add(len(str(row.values[0])))
    assert problems == ["longer than 1000 characters (max_row)", ""] * 64
    assert copies == {1001}
