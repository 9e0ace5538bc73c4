"""Vectors for words of a vocabulary, with which the embedding of a network starts, and their file, which a trainer reads.

    ids           <int32>[words]           token ids
    vectors       <float32>[words, size]   a vector for each
    lstms/NAME/0  <float32>                of a language model: the weights of the network's LSTMs, in the order of the layer

Attributes: `format`.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np

from sentiment import hdf5

FORMAT = "sentiment-vectors-1"


@dataclass(frozen=True)
class WordVectors:
    """ids: token ids, `<int32>[words]`; vectors: `<float32>[words, size]`; lstms: by layer, weights that were learned with the vectors."""

    ids: np.ndarray
    vectors: np.ndarray
    lstms: dict[str, list[np.ndarray]] = field(default_factory=dict)

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
        for layer, weights in vectors.lstms.items():
            for place, array in enumerate(weights):
                file[f"lstms/{layer}/{place}"] = array


def read(path: Path, below: int, size: int, lstm_size: int | None = None) -> WordVectors:
    """below: what every token id has to be less than; size: of a vector; lstm_size: of the LSTMs that are there, if any have to be.

    Raises:
        UserError: The file is not one that `write` made of such vectors.
    """
    with hdf5.reading(path, "word vectors", "Learn them anew with pretrain=vectors.") as file:
        if file.text("format", "none") != FORMAT:
            raise ValueError("it is not of a known format")
        ids, vectors = file.array("ids", "i"), file.array("vectors", "f", (None, size))
        if len(ids) != len(vectors) or (len(ids) and not 0 <= ids.min() <= ids.max() < below) or not np.isfinite(vectors).all():
            raise ValueError("its vectors are not those of words of these data")
        return WordVectors(ids, vectors, _lstms(file, size, lstm_size) if lstm_size else {})


def from_layers(path: Path) -> WordVectors:
    """What a trainer has written of a language model: its embedding, and its LSTMs."""
    with hdf5.reading(path, "layers", "Train anew.") as file:
        layers = {name: [group.array(str(place), "f", None) for place in range(len(group.names()))] for name, group in _groups(file)}
    (table,) = layers.pop("embedding")
    return WordVectors(np.arange(len(table), dtype=np.int32), table, layers)


def _lstms(file: hdf5.Group, embedding_size: int, lstm_size: int) -> dict[str, list[np.ndarray]]:
    gates = 4 * lstm_size
    shapes = (embedding_size, gates), (lstm_size, gates), (gates,)
    layers = _groups(file.group("lstms"))
    weights = {name: [group.array(str(place), "f", shape) for place, shape in enumerate(shapes)] for name, group in layers}
    if not all(np.isfinite(array).all() for arrays in weights.values() for array in arrays):
        raise ValueError("its LSTMs have weights that are no numbers")
    return weights


def _groups(file: hdf5.Group) -> list[tuple[str, hdf5.Group]]:
    return [(name, file.group(name)) for name in file.names()]
