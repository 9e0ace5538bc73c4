"""Tables as people have them: damaged, escaped, packed, in all encodings, with all kinds of labels."""

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sentiment.errors import UserError
from sentiment.reviews import decoding, find_source
from sentiment.reviews.table_formats import open_rows
from sentiment.reviews.tables import find_column
from sentiment.settings import PrepareSettings, TableSettings

TEXTS = [f"The plot, number {number}, was {'fine' if number % 2 else 'dull'}; we left" for number in range(30)]
LABELS = [str(number % 2) for number in range(30)]


def rows(path: Path, **reading: object) -> tuple[list[str], dict[int, str]]:
    """The texts that can be read, and what is wrong with the other rows, by their numbers."""
    table = open_rows(path, TableSettings(**reading))  # type: ignore[arg-type]
    column = find_column("text", "auto", table, path)
    found = list(table.read(lambda size: None, [column]))
    return [row.values[0] for row in found if not row.problem], {row.number: row.problem for row in found if row.problem}


def labelled(path: Path, **settings: object) -> list[tuple[str, int]]:
    batches = find_source(PrepareSettings(reviews=str(path), **settings)).read(lambda size: None)  # type: ignore[arg-type]
    return [pair for batch in batches for pair in zip(batch.texts, batch.labels, strict=True)]


def refusal(path: Path, **settings: object) -> str:
    with pytest.raises(UserError) as caught:
        labelled(path, **settings)
    line = str(caught.value)
    assert "Received: " in line
    assert "\n" not in line
    return line


def table(quoting: Literal[0, 1] = csv.QUOTE_MINIMAL, header: bool = True) -> list[str]:
    """The lines of a table of TEXTS and LABELS."""
    file = io.StringIO()
    writer = csv.writer(file, quoting=quoting, lineterminator="\n")
    writer.writerows([("text", "label"), *zip(TEXTS, LABELS, strict=True)] if header else zip(TEXTS, LABELS, strict=True))
    return file.getvalue().splitlines(keepends=True)


def write(path: Path, content: str | bytes | list[str], encoding: str = "utf-8") -> Path:
    content = "".join(content) if isinstance(content, list) else content
    path.write_bytes(content.encode(encoding) if isinstance(content, str) else content)
    return path


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


SAMPLES = {
    "cp1252": "Très bon film, l’acteur était “super” et la fin déçoit",
    "iso8859-1": "La película fue increíble, el niño actuó muy bien",
    "cp1251": "Отличный фильм, очень понравился, актеры играли прекрасно",
    "koi8-r": "Отличный фильм, очень понравился, актеры играли прекрасно",
    "cp1250": "Příšerně špatný film, žádný děj, herci hráli hrozně",
    "iso8859-2": "A zene gyönyörű volt, őszintén szólva a történet rövid és unalmas, a színészek jók",
    "cp1257": "Aktoriai vaidino puikiai, tačiau pabaiga nuvylė, muzika buvo šiek tiek per garsi",
    "cp1254": "Film çok güzeldi, oyuncular şahane ama sonu hayal kırıklığı",
    "gbk": "很好看的电影,演员表演出色,但是结局令人失望",
    "big5": "很好看的電影,演員表演出色,但是結局令人失望",
    "shift_jis": "とても面白い映画でした。俳優の演技も素晴らしい",
    "euc_jp": "とても面白い映画でした。俳優の演技も素晴らしい",
    "euc_kr": "정말 재미있는 영화였습니다. 배우들의 연기가 훌륭했습니다",
    "mac_roman": "Très bon film, les acteurs étaient excellents",
    "cp850": "Der Film war schön, die Schauspieler wirkten müde",
    "utf-16": "Très bon — 很好",
    "utf-32": "Très bon — 很好",
}
SURE = {"cp1252", "iso8859-1", "cp1251", "koi8-r", "gbk", "big5", "utf-16", "utf-32"}


def right_or_refused(path: Path, expected: list[tuple[str, int]]) -> bool:
    try:
        return labelled(path) == expected
    except UserError as error:
        return "Give encoding=NAME" in str(error)


@pytest.mark.parametrize("encoding", SAMPLES)
@pytest.mark.parametrize("count", [1, 40])
def test_an_encoding_is_right_or_asked_about(tmp_path: Path, encoding: str, count: int) -> None:
    expected = [(f"{SAMPLES[encoding]} {number}", number % 2) for number in range(count)]
    content = "".join(f'"{text}",{label}\n' for text, label in expected)
    path = write(tmp_path / "a.csv", "text,label\n" + content, encoding)
    if encoding in SURE and count > 1:
        assert labelled(path) == expected
    else:
        assert right_or_refused(path, expected)
    assert labelled(path, encoding=encoding) == expected


@pytest.mark.parametrize("ending", ["csv", "jsonl", "json"])
def test_damaged_bytes_cost_their_rows_alone(tmp_path: Path, ending: str) -> None:
    texts = [f"It’s a café, number {number}" for number in range(2000)]
    records = [json.dumps({"text": text}, ensure_ascii=False) for text in texts]
    lines = {
        "csv": ["text\n", *(f'"{text}"\n' for text in texts)],
        "jsonl": [f"{record}\n" for record in records],
        "json": ["[\n", *(f"{record},\n" for record in records[:-1]), records[-1] + "]"],
    }[ending]
    content = "".join(lines).encode()
    bad = [content.index(b"number 700"), content.index(b"number 1999")]
    damaged = bytearray(content)
    for at in bad:
        damaged[at] = 0xFF
    found, problems = rows(write(tmp_path / f"a.{ending}", bytes(damaged)))
    assert list(problems) == [701, 2000]
    assert [f"byte {at} of the file, 0xff" in problem for at, problem in zip(bad, problems.values(), strict=True)] == [True, True]
    assert found == texts[:700] + texts[701:-1]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "shift_jis", "euc_kr", "utf-16"])
@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
def test_damaged_bytes_are_named_by_their_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, piece: int) -> None:
    monkeypatch.setattr(decoding, "PIECE", piece)
    lines = [f"text {number} 本\n".encode(encoding.replace("utf-16", "utf-16-le").removesuffix("-sig")) for number in range(20)]
    fault = b"\x00\xdc\n\x00" if encoding == "utf-16" else b"\xff\n"
    start = "text\n".encode(encoding)
    content = [start, *lines[:9], fault, *lines[9:]]
    _, bad = rows(write(tmp_path / "a.csv", b"".join(content)), encoding=encoding)
    assert list(bad) == [10]
    assert f"byte {sum(map(len, content[:10]))} of the file" in bad[10]


def test_plain_english_with_a_damaged_byte_is_not_another_encoding(tmp_path: Path) -> None:
    texts, bad = rows(write(tmp_path / "a.csv", "".join(table()).encode() + b"fine \xff film,1\n"))
    assert (texts, list(bad)) == (TEXTS, [31])


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
        (["oui", "non"], "positive=... and negative=... of these labels: non, oui"),
    ],
)
def test_labels_that_are_not_known_are_proposed_and_then_read(tmp_path: Path, labels: list[str], proposal: str) -> None:
    path = write(tmp_path / "a.csv", "text,label\n" + "".join(f"text {label},{label}\n" for label in labels))
    line = refusal(path)
    assert f"Give {proposal}" in line
    if "..." not in proposal:
        named = dict(part.split("=") for part in proposal.split(" and "))
        positive = {f"text {label}" for label in labels if label.lower() in named["positive"].split(",")}
        assert {text for text, label in labelled(path, **named) if label} == positive


def test_labels_that_are_not_named_are_left_out_and_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,label\n" + "".join(f"{text},{label}\n" for text, label in STARS))
    settings = PrepareSettings(reviews=str(path), positive="4,5", negative="1,2")
    batches = list(find_source(settings).read(lambda size: None))
    assert [(batch.texts, batch.labels, batch.left_out) for batch in batches] == [(["worst", "bad", "good", "best"], [0, 0, 1, 1], 1)]
    assert "Only one" in refusal(path, positive="5")
    assert "positive and negative" in refusal(path, positive="5,4", negative="4.0")


def test_fasttext_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "__label__2 Great CD: my lovely Pat\n__label__1 Dull, dull\n")
    assert labelled(path, positive="__label__2", negative="1") == [("Great CD: my lovely Pat", 1), ("Dull, dull", 0)]


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


def test_one_column_of_plain_text(tmp_path: Path) -> None:
    assert rows(write(tmp_path / "a.txt", ["text\n", *(f"{text}\n" for text in TEXTS)])) == (TEXTS, {})


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


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("wrap", ["[%s]", "\n %s", " [\n%s\n]\n"])
def test_json_arrays_and_rows_of_several_lines(tmp_path: Path, indent: int | None, wrap: str) -> None:
    records = [{"text": text, "label": int(label), "more": {"a": [1, 2]}} for text, label in zip(TEXTS * 200, LABELS * 200, strict=True)]
    between = "," if "[" in wrap else "\n"
    path = write(tmp_path / "a.json", wrap % between.join(json.dumps(record, indent=indent) for record in records))
    assert labelled(path) == [(record["text"], record["label"]) for record in records]
    assert "not JSON" in refusal(write(path, path.read_text()[:-40]))


def test_what_is_wrong_with_json_is_said(tmp_path: Path) -> None:
    assert "row 2" in refusal(write(tmp_path / "a.json", '[{"text": "a", "label": 1}, {"text": oops}]'))
    assert "behind the array" in refusal(write(tmp_path / "a.json", '[{"text": "a", "label": 1}] more'))
    assert "max_row" in refusal(write(tmp_path / "a.json", '[{"text": "' + "a" * 300_000 + '", "label": 1}]'), max_row=1000)
    deep = '[{"text": "fine", "label": 1}, ' + "[" * 100_000 + "]" * 100_000 + "]"
    assert "recursion" in refusal(write(tmp_path / "a.json", deep))


def test_lone_surrogates_are_no_characters(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"text": "a \\ud83d b \\ud83d\\ude00", "label": 1}\n')
    assert labelled(path) == [("a \ufffd b 😀", 1)]


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
