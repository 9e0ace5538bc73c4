"""Vectors for words of a vocabulary, with which the embedding of a network starts, and their file, which a trainer reads.

    ids     <int32>[words]           token ids
    vectors <float32>[words, size]   a vector for each

Attributes: `format`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from sentiment import hdf5

FORMAT = "sentiment-vectors-1"


@dataclass(frozen=True)
class WordVectors:
    """ids: token ids, `<int32>[words]`; vectors: `<float32>[words, size]`."""

    ids: np.ndarray
    vectors: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    def first(self, size: int) -> Self:
        """The first numbers of each vector, spread as much as the whole; of learned vectors, these say the most."""
        vectors = self.vectors[:, :size]
        return type(self)(self.ids, vectors * (self.vectors.std() / (vectors.std() or 1.0)))


def write(vectors: WordVectors, path: Path) -> None:
    """Writes the file whole or not at all."""
    with hdf5.writing(path) as file:
        file.attrs["format"] = FORMAT
        file["ids"], file["vectors"] = vectors.ids, vectors.vectors


def read(path: Path, below: int, size: int) -> WordVectors:
    """below: what every token id has to be less than; size: of a vector.

    Raises:
        UserError: The file is not one that `write` made of such vectors.
    """
    with hdf5.reading(path, "word vectors", "Learn them anew with pretrain=vectors.") as file:
        if file.text("format", "none") != FORMAT:
            raise ValueError("it is not of a known format")
        ids, vectors = file.array("ids", "i"), file.array("vectors", "f", (None, size))
        if len(ids) != len(vectors) or (len(ids) and not 0 <= ids.min() <= ids.max() < below) or not np.isfinite(vectors).all():
            raise ValueError("its vectors are not those of words of these data")
        return WordVectors(ids, vectors)
