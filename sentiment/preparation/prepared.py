"""`prepared.h5`: reviews as numbers, ready to train on. Nothing in it was learned from labels.

    ids, offsets             <int32>[tokens], <int64>[reviews + 1]   token ids, the reviews one after the other, and where each begins
    words/ids, words/offsets likewise: the word numbers of the whole reviews, as `sentiment.text.Encoder` numbers them
    labels     <int8>[reviews]       1 positive, 0 negative, -1 none
    split      <int8>[reviews]       0 train, 1 validation, 2 test, 3 unlabelled
    vocabulary <str>[words]          the first has id 4
    more_words <str>[words]          words that have no token id
    test_texts/bytes, test_texts/offsets   the raw texts of the test split, UTF-8, so that any model can be measured on it

Attributes: `format`, `text_settings` (JSON), `data_fingerprint`, and `split_method`: how the splits were drawn, in words.
"""

import itertools
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from sentiment import hdf5
from sentiment.errors import UserError
from sentiment.hdf5 import Group
from sentiment.ragged import Ragged
from sentiment.reviews.batch import TEST, UNLABELLED
from sentiment.text.vocabulary import Encoder
from sentiment.text.vocabulary_file import read_encoder, write_encoder

FORMAT = "sentiment-prepared-4"

PACKED = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "chunks": (1 << 16,)}


@dataclass(frozen=True)
class Prepared:
    """What the file holds.

    tokens, words: a row for each review; labels, split: `<int8>[reviews]`; test_texts: one for each review of the test split, in order.
    """

    tokens: Ragged
    words: Ragged
    labels: np.ndarray
    split: np.ndarray
    encoder: Encoder
    test_texts: list[str]
    data_fingerprint: str
    split_method: str

    def rows(self, *splits: int) -> np.ndarray:
        """`<int64>[rows]`: those of the splits, in order."""
        return np.flatnonzero(np.isin(self.split, splits))


def write(prepared: Prepared, path: Path) -> None:
    """Writes the file whole or not at all; equal content gives equal bytes."""
    with hdf5.writing(path) as file:
        file.attrs["format"] = FORMAT
        file.attrs["data_fingerprint"], file.attrs["split_method"] = prepared.data_fingerprint, prepared.split_method
        write_ragged(prepared.tokens, file, "")
        write_ragged(prepared.words, file, "words/")
        file["labels"], file["split"] = prepared.labels, prepared.split
        write_encoder(prepared.encoder, file)
        encoded = [text.encode("utf-8", "replace") for text in prepared.test_texts]
        texts = file.create_group("test_texts")
        texts.create_dataset("bytes", data=np.frombuffer(b"".join(encoded), np.uint8), maxshape=(None,), **PACKED)
        texts["offsets"] = np.concatenate(([0], np.cumsum([len(text) for text in encoded], dtype=np.int64)))


def write_ragged(rows: Ragged, file: h5py.File, prefix: str) -> None:
    """As the datasets `<prefix>ids` and `<prefix>offsets`, which a trainer reads."""
    file.create_dataset(prefix + "ids", data=rows.ids, maxshape=(None,), **PACKED)
    file[prefix + "offsets"] = rows.offsets


def read(path: Path) -> Prepared:
    """Raises UserError if the file is not one that `write` made, or its parts do not fit together."""
    with hdf5.reading(path, "prepared data", "Make it with prepare.") as file:
        written = file.text("format", "none")
        if written != FORMAT:
            kind = "is of an earlier version" if written.startswith("sentiment-prepared-") else "is not prepared data"
            raise UserError(f"The file {kind}. Received: {path}, format {written[:50]}. Make it with prepare: mlflow run . -e prepare.")
        encoder = read_encoder(file)
        labels, split = (file.array(name, "i") for name in ("labels", "split"))
        texts = read_ragged(file, "test_texts/", "bytes", 256)
        content = texts.ids.tobytes()
        made = Prepared(
            read_ragged(file, "", "ids", encoder.size),
            read_ragged(file, "words/", "ids", len(encoder.vocabulary) + len(encoder.more_words) + 1),
            labels,
            split,
            encoder,
            [content[begin:end].decode() for begin, end in itertools.pairwise(texts.offsets.tolist())],
            file.text("data_fingerprint", pattern="[0-9a-f]{1,64}"),
            file.text("split_method"),
        )
        _check(made)
        return made


def read_ragged(group: Group, prefix: str, name: str, below: int) -> Ragged:
    """The datasets `<prefix><name>` and `<prefix>offsets`. below: what every id has to be less than."""
    rows = Ragged(group.array(prefix + name, "iu"), group.array(prefix + "offsets", "i"))
    if not len(rows.offsets) or rows.offsets[0] or rows.offsets[-1] != len(rows.ids) or (np.diff(rows.offsets) < 0).any():
        raise ValueError(f"{prefix}offsets are not those of {prefix}{name}")
    if len(rows.ids) and (rows.ids.min() < 0 or rows.ids.max() >= below):
        raise ValueError(f"{prefix}{name} has numbers that are not from 0 to {below - 1}")
    return rows


def _check(prepared: Prepared) -> None:
    labels, split = prepared.labels, prepared.split
    if not len(labels) == len(split) == len(prepared.tokens) == len(prepared.words):
        raise ValueError(f"it has {len(labels)} labels, {len(split)} splits, and {len(prepared.tokens)} and {len(prepared.words)} reviews")
    if len(prepared.test_texts) != len(prepared.rows(TEST)):
        raise ValueError(f"it has {len(prepared.test_texts)} texts of {len(prepared.rows(TEST))} test reviews")
    if not np.isin(split, range(UNLABELLED + 1)).all() or not np.isin(labels[split != UNLABELLED], (0, 1)).all():
        raise ValueError("it has labels or splits that are not known")
