"""Reading reviews from whatever they come in."""

import csv
import functools
import gzip
import hashlib
import http.server
import io
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sentiment.errors import UserError
from sentiment.paths import PROJECT
from sentiment.reviews import find_source, imdb
from sentiment.reviews.batch import TEST, TRAIN, UNLABELLED, VALIDATION
from sentiment.settings import PrepareSettings
from tests.conftest import SHARED_DATA

ROWS = [('Très bon — "super" film', 1), ("plain bad", 0), ('"odd" | piped, with; all\tof them', 1), ("two\nlines", 0)]


def read(path: Path, **settings: str) -> list[tuple[str, int, int]]:
    source = find_source(PrepareSettings(reviews=str(path), **settings))  # type: ignore[arg-type]
    return [row for batch in source.read(lambda size: None) for row in zip(batch.texts, batch.labels, batch.splits, strict=True)]


def read_groups(path: Path, **settings: str) -> dict[str, str]:
    """The group of each review, by its text."""
    batches = list(find_source(PrepareSettings(reviews=str(path), **settings)).read(lambda size: None))  # type: ignore[arg-type]
    names = {group: name for batch in batches for group, name in batch.group_names.items()}
    return {text: names.get(group, group) for batch in batches for text, group in zip(batch.texts, batch.groups, strict=True)}


def refused(path: Path, **settings: str) -> str:
    with pytest.raises(UserError) as caught:
        read(path, **settings)
    assert "Received: " in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("separator", ["|", ",", "\t", ";"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_separators_and_encodings_are_found(tmp_path: Path, separator: str, encoding: str) -> None:
    path = tmp_path / "some.txt"
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerows([("reviewText", "sentimentScore"), *ROWS])
    assert read(path) == [(text, label, TRAIN) for text, label in ROWS]


def test_quotes_that_do_not_group_are_text(tmp_path: Path) -> None:
    path = tmp_path / "sample.txt"
    path.write_text('reviewText|sentimentScore\n"Ran" is great|1\nhe said "no"|0\n"open and never closed|1\n')
    assert [text for text, _, _ in read(path)] == ['"Ran" is great', 'he said "no"', '"open and never closed']


def test_json_lines_and_parquet(tmp_path: Path) -> None:
    frame = pd.DataFrame(ROWS, columns=["text", "sentiment"])
    frame.to_json(tmp_path / "a.jsonl", orient="records", lines=True, force_ascii=False)
    frame.to_parquet(tmp_path / "a.parquet")
    assert read(tmp_path / "a.jsonl") == read(tmp_path / "a.parquet") == [(text, label, TRAIN) for text, label in ROWS]


def test_columns_can_be_named_and_labels_be_words(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,what,opinion,split\n1,good,Positive,train\n2,bad,neg,test\n3,so so,negative,validation\n")
    assert read(path, text_column="what", label_column="opinion") == [("good", 1, TRAIN), ("bad", 0, TEST), ("so so", 0, VALIDATION)]


def wide(path: Path) -> Path:
    path.write_bytes("text,label\nfine,1\n".encode("utf-16-le"))
    return path


def test_blanks_around_names_and_empty_lines_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text, label \n\nfine,1\n  \nbad,0\n")
    assert read(path, label_column="label") == [("fine", 1, TRAIN), ("bad", 0, TRAIN)]


def test_columns_may_be_missing_in_the_first_line_of_json(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"label": 1}\n{"text": "fine", "label": 1}\n')
    assert read(path) == [("", 1, TRAIN), ("fine", 1, TRAIN)]


@pytest.mark.parametrize("seed", range(5))
def test_no_archive_that_is_cut_off_or_damaged_is_taken(tmp_path: Path, seed: int) -> None:
    whole = archive(tmp_path / "a.tar.gz").read_bytes()
    random = np.random.default_rng(seed)
    damaged = bytearray(whole)
    damaged[int(random.integers(20, len(whole) - 8))] ^= 1 << int(random.integers(8))
    for content in (whole[: int(random.integers(len(whole)))], bytes(damaged)):
        (tmp_path / "b.tar.gz").write_bytes(content)
        assert "can't be read" in refused(tmp_path / "b.tar.gz")


def archive(path: Path) -> Path:
    names = [
        "aclImdb/train/pos/0_9.txt",
        "aclImdb/train/neg/0_2.txt",
        "aclImdb/train/unsup/0_0.txt",
        "aclImdb/test/pos/0_8.txt",
        "aclImdb/README",
    ]
    return pack(path, {name: f"text of {name} é".encode() for name in names})


def pack(path: Path, files: dict[str, bytes]) -> Path:
    """A tar.gz of files by their names, in that order."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def unpack(archive: Path, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    subprocess.run(["tar", "-C", folder, "-xf", archive], check=True)
    return folder


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_what_an_archive_says_of_a_file_may_not_be_as_long_as_it_likes(tmp_path: Path, kind: bytes) -> None:
    """Tarfile reads it at once, however short it is packed."""
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        info = tarfile.TarInfo("aclImdb/said")
        info.type, info.size = kind, 50_000_000
        tar.addfile(info, io.BytesIO(bytes(info.size)))
    with pytest.raises(UserError, match="has 50000000 bytes"):
        list(find_source(PrepareSettings(reviews=str(tmp_path / "a.tar.gz"))).read(lambda size: None))


def test_an_archive_and_its_folder_are_the_same(tmp_path: Path) -> None:
    packed = archive(tmp_path / "a.tar.gz")
    rows = read(packed)
    assert sorted(rows) == sorted(read(unpack(packed, tmp_path) / "aclImdb"))
    assert [(label, split) for _, label, split in rows] == [(1, TRAIN), (0, TRAIN), (-1, UNLABELLED), (1, TEST)]
    assert rows[0][0] == "text of aclImdb/train/pos/0_9.txt é"


REVIEWS = {
    "aclImdb/train/pos/0_9.txt": b"first",
    "aclImdb/train/pos/1_10.txt": b"second",
    "aclImdb/train/pos/2_8.txt": b"beyond the list",
    "aclImdb/train/pos/no_number.txt": b"without a number",
    "aclImdb/train/neg/1_1.txt": b"other label",
    "aclImdb/train/neg/2_1.txt": b"empty line",
    "aclImdb/train/unsup/2_0.txt": b"no label",
    "aclImdb/test/pos/0_9.txt": b"test",
    "aclImdb/test/neg/0_1.txt": b"no list",
}
LISTS = {
    "aclImdb/train/urls_pos.txt": b"http://www.imdb.com/title/tt0000001/usercomments\nhttp://www.imdb.com/title/tt0000002/usercomments\n",
    "aclImdb/train/urls_neg.txt": b"http://www.imdb.com/title/tt0000009/usercomments\r\nhttps://imdb.com/title/tt0000002/reviews\r\n\r\n",
    "aclImdb/train/urls_unsup.txt": b"a\nb\nA film of another site \nmore lines than files\n",
    "aclImdb/test/urls_pos.txt": b"http://www.imdb.com/title/tt0000003",
    "aclImdb/pos/urls_neg.txt": b"\xff no list",
}
FILMS = {
    "first": "tt0000001",
    "second": "tt0000002",
    "beyond the list": "",
    "without a number": "",
    "other label": "tt0000002",
    "empty line": "",
    "no label": "A film of another site",
    "test": "tt0000003",
    "no list": "",
}


def test_the_films_of_reviews_stand_in_lists_before_or_behind_them(tmp_path: Path) -> None:
    behind, before = pack(tmp_path / "a.tar.gz", REVIEWS | LISTS), pack(tmp_path / "b.tar.gz", LISTS | REVIEWS)
    assert read_groups(behind) == read_groups(before) == read_groups(unpack(behind, tmp_path / "c")) == FILMS
    assert set(read_groups(pack(tmp_path / "d.tar.gz", REVIEWS)).values()) == {""}


def test_a_list_that_is_not_text_is_refused(tmp_path: Path) -> None:
    damaged = pack(tmp_path / "a.tar.gz", REVIEWS | LISTS | {"aclImdb/train/urls_neg.txt": b"\xff"})
    for path in (damaged, unpack(damaged, tmp_path / "b")):
        assert "aclImdb/train/urls_neg.txt, byte 0" in refused(path)


def test_a_column_may_name_the_groups(tmp_path: Path) -> None:
    frame = pd.DataFrame({"text": ["good", "bad", "fair"], "label": [1, 0, 1], "product": [5, None, 7], "author": ["Ann ", " ", None]})
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    frame.to_parquet(tmp_path / "a.parquet")
    for name in ("a.csv", "a.jsonl", "a.parquet"):
        assert set(read_groups(tmp_path / name).values()) == {""}
        assert list(read_groups(tmp_path / name, group_column="author").values()) == ["Ann", "", ""]
        five, none, seven = read_groups(tmp_path / name, group_column="product").values()
        assert (float(five), none, float(seven)) == (5, "", 7)
    assert "no such column. Received: group_column=Author;" in refused(tmp_path / "a.csv", group_column="Author")
    assert "column of the label. Received: group_column=label" in refused(tmp_path / "a.csv", group_column="label")


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    def table(text: str, name: str = "a.csv") -> Path:
        (tmp_path / name).write_text(text)
        return tmp_path / name

    assert "row 2" in refused(table("text,label\nfine,1\nodd,7\n"))
    assert "two such columns" in refused(table("text,label,label\nfine,1,0\n"))
    assert "same column" in refused(table("text,label\nfine,1\n"), label_column="text")
    assert "utf-16-le" in refused(wide(tmp_path / "wide.csv"))
    assert "row 1" in refused(table("[" * 100_000 + "\n" + '{"text": "fine", "label": 1}\n', "deep.jsonl"))
    assert "header" in refused(table("great film,1\nbad film,0\n"))
    assert "header" in refused(table("just one line\n"))
    assert "header" in refused(table(""))
    assert "no such column" in refused(table("text,label\nfine,1\n"), text_column="nosuch")
    assert "row 2" in refused(table("text,label\nfine,1\na,b,c,1\n"))
    assert "Unknown encoding" in refused(table("text,label\nfine,1\n"), encoding="klingon")
    assert "not one character" in refused(table("text,label\nfine,1\n"), separator="ab")
    assert "row 2" in refused(table('{"text": "fine", "label": 1}\nnot json\n', "a.jsonl"))
    assert "Parquet file can't be read" in refused(table("no", "a.parquet"))
    assert "no such file" in refused(tmp_path / "nosuch")
    (tmp_path / "empty").mkdir()
    assert "aclImdb layout" in refused(tmp_path / "empty")
    cut = tmp_path / "cut.tar.gz"
    whole = archive(tmp_path / "b.tar.gz").read_bytes()
    cut.write_bytes(whole[: len(whole) // 2])
    assert "can't be read" in refused(cut)
    (tmp_path / "c.tar.gz").write_bytes(gzip.compress(b"no tar"))
    assert "can't be read" in refused(tmp_path / "c.tar.gz")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """A web server with the archive, on a free port."""
    (tmp_path / "site").mkdir()
    archive(tmp_path / "site" / "aclImdb_v1.tar.gz")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path / "site")))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/aclImdb_v1.tar.gz"
    server.shutdown()
    thread.join()
    server.server_close()


def test_imdb_is_downloaded_checked_and_kept(site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    right = hashlib.md5((tmp_path / "site" / "aclImdb_v1.tar.gz").read_bytes()).hexdigest()
    with pytest.raises(UserError, match="can't be had"):
        imdb.download(site, "0" * 32)
    kept = imdb.download(site, right)
    assert len(read(kept)) == 4
    (tmp_path / "site" / "aclImdb_v1.tar.gz").unlink()
    assert imdb.download(site, right) == kept


def test_the_bundled_reviews_hold_what_real_files_hold() -> None:
    rows = read(PROJECT / "data" / "reviews.txt")
    texts = [text for text, _, _ in rows]
    assert len(rows) >= 400
    assert sum(label for _, label, _ in rows) * 2 == len(rows)
    assert len(set(texts)) == len(texts)
    lengths = [len(text.replace("<br />", " ").split()) for text in texts]
    assert min(lengths) >= 20
    assert max(lengths) <= 150
    for mark in ("<br />", '"', "|", "é", "!!", "NOT", "n't", "’"):
        for label in (0, 1):
            assert any(mark in text for text, its, _ in rows if its == label), (mark, label)


def test_the_sample_of_2017(tmp_path: Path) -> None:
    path = SHARED_DATA / "sampleReviews.txt"
    if not path.exists():
        pytest.skip(f"no {path}: the reading of the 2017 sample is not tested")
    rows = read(path)
    assert len(rows) == 211
    assert sum(label for _, label, _ in rows) == 171
    lines = path.read_bytes().decode().rstrip("\n").split("\n")[1:]
    assert [text for text, _, _ in rows] == [line.rsplit("|", 1)[0] for line in lines]
    assert {split for _, _, split in rows} == {TRAIN}
