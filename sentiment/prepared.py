"""`prepared.h5`: reviews as token ids, ready to train on.

    ids        <int32>[tokens]       the reviews one after the other
    offsets    <int64>[reviews + 1]  where each begins
    labels     <int8>[reviews]       1 positive, 0 negative
    split      <int8>[reviews]       0 train, 1 validation, 2 test
    vocabulary <str>[words]          the first has id 4
    more_words <str>[words]          words that have no id, but stand in n-grams
    ngrams/prefix, ngrams/last <int32>[ngrams]   the n-grams that are known, as `sentiment.ngrams` has them
    ngram_ids, ngram_offsets         those of each review, as `ids` and `offsets`
    ngram_weights/SPLITS/ratios, ngram_weights/SPLITS/weights <float32>[ngrams + 1]   what they say, learned from these splits: 0, or 0_1;
                                     as `sentiment.ngram_weights` has them, and the attribute `bias`
    test_texts/bytes, test_texts/offsets   the raw texts of the test split, UTF-8, so that any model can be measured on it

Attributes: `format`, `text_settings` (JSON), `data_fingerprint`.
"""

import itertools
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from sentiment.errors import UserError
from sentiment.ngram_weights import NgramWeights
from sentiment.ragged import Ragged
from sentiment.reviews.batch import TRAIN, VALIDATION
from sentiment.text import Encoded, Encoder
from sentiment.text_file import read_encoder, write_encoder

FORMAT = "sentiment-prepared-3"
TAUGHT_BY: tuple[tuple[int, ...], ...] = ((TRAIN,), (TRAIN, VALIDATION))

PACKED = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "chunks": (1 << 16,)}


@dataclass(frozen=True)
class Prepared:
    """What the file holds. `labels` and `split`: `<int8>[reviews]`; `ngram_weights`: by the splits that taught
    them, TAUGHT_BY; `test_texts`: one for each review of the test split, in order.
    """

    reviews: Encoded
    labels: np.ndarray
    split: np.ndarray
    encoder: Encoder
    ngram_weights: dict[tuple[int, ...], NgramWeights]
    test_texts: list[str]
    data_fingerprint: str

    def rows(self, split: int) -> np.ndarray:
        return np.flatnonzero(self.split == split)


def write(prepared: Prepared, path: Path) -> None:
    """Writes the file whole or not at all; equal content gives equal bytes."""
    unfinished = path.with_suffix(".unfinished")
    with h5py.File(unfinished, "w") as file:
        file.attrs["format"] = FORMAT
        file.attrs["data_fingerprint"] = prepared.data_fingerprint
        write_ids(prepared.reviews, file)
        file["labels"], file["split"] = prepared.labels, prepared.split
        write_encoder(prepared.encoder, file)
        for splits, learned in prepared.ngram_weights.items():
            group = file.create_group(_name(splits))
            group["ratios"], group["weights"], group.attrs["bias"] = learned.ratios, learned.weights, learned.bias
        encoded = [text.encode("utf-8", "replace") for text in prepared.test_texts]
        texts = file.create_group("test_texts")
        texts.create_dataset("bytes", data=np.frombuffer(b"".join(encoded), np.uint8), maxshape=(None,), **PACKED)
        texts["offsets"] = np.concatenate(([0], np.cumsum([len(text) for text in encoded], dtype=np.int64)))
    unfinished.replace(path)


def _name(splits: tuple[int, ...]) -> str:
    return f"ngram_weights/{'_'.join(map(str, splits))}"


def _read_weights(group: h5py.Group) -> NgramWeights:
    return NgramWeights(group["ratios"][:], group["weights"][:], float(group.attrs["bias"]))


def write_ids(reviews: Encoded, file: h5py.File) -> None:
    """As a trainer reads them."""
    for prefix, rows in (("", reviews.tokens), ("ngram_", reviews.ngrams)):
        file.create_dataset(prefix + "ids", data=rows.ids, maxshape=(None,), **PACKED)
        file[prefix + "offsets"] = rows.offsets


def read(path: Path) -> Prepared:
    """Raises UserError if the file is not one that `write` made."""
    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get("format") != FORMAT:
                raise UserError(
                    f"The file is not prepared data. Received: {path}, format {file.attrs.get('format')}. Make it with prepare."
                )
            texts, bounds = file["test_texts/bytes"][:].tobytes(), file["test_texts/offsets"][:]
            return Prepared(
                Encoded(*(Ragged(file[f"{prefix}ids"][:], file[f"{prefix}offsets"][:]) for prefix in ("", "ngram_"))),
                file["labels"][:],
                file["split"][:],
                read_encoder(file),
                {splits: _read_weights(file[_name(splits)]) for splits in TAUGHT_BY},
                [texts[a:b].decode() for a, b in itertools.pairwise(bounds)],
                str(file.attrs["data_fingerprint"]),
            )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"The file can't be read as prepared data. Received: {path}: {error}. Make it with prepare.") from error
