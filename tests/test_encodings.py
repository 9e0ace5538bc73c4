"""Encodings are right or asked about, and bytes that are no character cost their rows alone."""

import json
from pathlib import Path

import pytest

from sentiment.errors import UserError
from sentiment.reviews import decoding
from tests.tables import TEXTS, labelled, refusal, rows, table, write

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


@pytest.mark.parametrize(("encoding", "sample"), [("iso2022_jp", "shift_jis"), ("iso2022_kr", "euc_kr")])
def test_characters_written_in_ascii_are_not_taken_for_ascii(tmp_path: Path, encoding: str, sample: str) -> None:
    path = write(tmp_path / "a.csv", "text,label\n" + f"{SAMPLES[sample]},1\n" * 3, encoding)
    assert f"may be {encoding}" in refusal(path)
    assert labelled(path, encoding=encoding) == [(SAMPLES[sample], 1)] * 3


def test_null_bytes_are_utf_16_only_where_every_other_byte_is_one(tmp_path: Path) -> None:
    content = "".join(table())
    assert "utf-16-le" in refusal(write(tmp_path / "a.csv", content, "utf-16-le"))
    assert "utf-16-be" in refusal(write(tmp_path / "a.csv", content, "utf-16-be"))
    for damaged in (b"\0" * 5000, content.encode() + b"\0" * 5000, b"\0" * 8 + content.encode()):
        assert "damaged" in refusal(write(tmp_path / "a.csv", damaged))
