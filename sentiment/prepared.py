"""`prepared.h5`: reviews as token ids, ready to train on.

    ids        <int32>[tokens]       the reviews one after the other
    offsets    <int64>[reviews + 1]  where each begins
    labels     <int8>[reviews]       1 positive, 0 negative
    split      <int8>[reviews]       0 train, 1 validation, 2 test
    vocabulary <str>[words]          the first has id 4
    test_texts/bytes, test_texts/offsets   the raw texts of the test split, UTF-8, so that any model can be measured on it

Attributes: `format`, `text_settings` (JSON), `data_fingerprint`.
"""

import itertools
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import h5py
import numpy as np

from sentiment.errors import UserError
from sentiment.ragged import Ragged
from sentiment.settings import TextSettings
from sentiment.text import Encoder

FORMAT = "sentiment-prepared-1"


@dataclass(frozen=True)
class Prepared:
    """What the file holds. `labels` and `split`: `<int8>[reviews]`; `test_texts`: one for each review of the test split, in order."""

    reviews: Ragged
    labels: np.ndarray
    split: np.ndarray
    encoder: Encoder
    test_texts: list[str]
    data_fingerprint: str

    def rows(self, split: int) -> np.ndarray:
        return np.flatnonzero(self.split == split)


def write(prepared: Prepared, path: Path) -> None:
    """Writes the file whole or not at all; equal content gives equal bytes."""
    unfinished = path.with_suffix(".unfinished")
    with h5py.File(unfinished, "w") as file:
        file.attrs["format"] = FORMAT
        file.attrs["text_settings"] = json.dumps(asdict(prepared.encoder.settings))
        file.attrs["data_fingerprint"] = prepared.data_fingerprint
        packed = {"compression": "gzip", "compression_opts": 1, "chunks": (1 << 16,)}
        reviews = prepared.reviews
        file.create_dataset("ids", data=reviews.ids, maxshape=(None,), **packed)
        file["offsets"], file["labels"], file["split"] = reviews.offsets, prepared.labels, prepared.split
        file.create_dataset("vocabulary", data=list(prepared.encoder.vocabulary), dtype=h5py.string_dtype())
        encoded = [text.encode("utf-8", "replace") for text in prepared.test_texts]
        texts = file.create_group("test_texts")
        texts.create_dataset("bytes", data=np.frombuffer(b"".join(encoded), np.uint8), maxshape=(None,), **packed)
        texts["offsets"] = np.concatenate(([0], np.cumsum([len(text) for text in encoded], dtype=np.int64)))
    unfinished.replace(path)


def read(path: Path) -> Prepared:
    """Raises UserError if the file is not one that `write` made."""
    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get("format") != FORMAT:
                raise UserError(
                    f"The file is not prepared data. Received: {path}, format {file.attrs.get('format')}. Make it with prepare."
                )
            settings = TextSettings(**json.loads(file.attrs["text_settings"]))
            texts, bounds = file["test_texts/bytes"][:].tobytes(), file["test_texts/offsets"][:]
            return Prepared(
                Ragged(file["ids"][:], file["offsets"][:]),
                file["labels"][:],
                file["split"][:],
                Encoder(settings, tuple(file["vocabulary"].asstr()[:])),
                [texts[a:b].decode() for a, b in itertools.pairwise(bounds)],
                str(file.attrs["data_fingerprint"]),
            )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"The file can't be read as prepared data. Received: {path}: {error}. Make it with prepare.") from error
