"""Vectors for words of a vocabulary, with which the embedding of a network starts, and their file, which a trainer reads.

    ids           <int32>[words]           token ids
    vectors       <float32>[words, size]   a vector for each
    lstms/NAME/0  <float32>                of a language model: the weights of the network's LSTMs, in the order of the layer

Attributes: `format`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np

from sentiment import hdf5

FORMAT = "sentiment-vectors-1"
NO_LSTMS: Mapping[str, int] = {}


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
            for index, array in enumerate(weights):
                file[f"lstms/{layer}/{index}"] = array


def read(path: Path, below: int, size: int, lstm_sizes: Mapping[str, int] = NO_LSTMS) -> WordVectors:
    """below: what every token id has to be less than; size: of a vector; lstm_sizes: by layer, of the LSTMs that have to be there.

    Raises:
        UserError: The file is not one that `write` made of such vectors.
    """
    kind = "a language model" if lstm_sizes else "word vectors"
    with hdf5.reading(path, kind, "Delete the run that has it, which will be done anew.") as file:
        if file.text("format", "none") != FORMAT:
            raise ValueError("it is not of a known format")
        ids, vectors = file.array("ids", "i"), file.array("vectors", "f", (None, size))
        if len(ids) != len(vectors) or (len(ids) and not 0 <= ids.min() <= ids.max() < below) or not np.isfinite(vectors).all():
            raise ValueError("its vectors are not those of words of these data")
        return WordVectors(ids, vectors, _lstms(file, size, lstm_sizes) if lstm_sizes else {})


def from_layers(path: Path) -> WordVectors:
    """What a trainer has written of a language model: its embedding, and its LSTMs."""
    with hdf5.reading(path, "layers", "Train anew.") as file:
        layers = {name: [group.array(str(index), "f", None) for index in range(len(group.names()))] for name, group in _groups(file)}
    (table,) = layers.pop("embedding")
    return WordVectors(np.arange(len(table), dtype=np.int32), table, layers)


def _lstms(file: hdf5.Group, embedding_size: int, sizes: Mapping[str, int]) -> dict[str, list[np.ndarray]]:
    weights: dict[str, list[np.ndarray]] = {}
    for name, group in _groups(file.group("lstms")):
        if name not in sizes:
            raise ValueError(f"it has an LSTM {name}, which the network has not")
        gates = 4 * sizes[name]
        shapes = (embedding_size, gates), (sizes[name], gates), (gates,)
        weights[name] = [group.array(str(index), "f", shape) for index, shape in enumerate(shapes)]
    if missing := set(sizes) - set(weights):
        raise ValueError(f"it has no LSTM {', '.join(sorted(missing))}")
    if not all(np.isfinite(array).all() for arrays in weights.values() for array in arrays):
        raise ValueError("its LSTMs have weights that are no numbers")
    return weights


def _groups(file: hdf5.Group) -> list[tuple[str, hdf5.Group]]:
    return [(name, file.group(name)) for name in file.names()]
