"""What a model made of texts that it was not fitted on, kept in its file: `monitor` compares later texts with it.

    reference/scores    <float32>[kept]   P(positive) of the validation reviews, ascending
    reference/lengths   <float32>[kept]   their words
    reference/unknown   <float32>[kept]   the share of their words that have no token id
    reference/right     <int64>[2]        how many of them were called what they are, and how many there were

Of over KEPT reviews, KEPT quantiles at equal distances are kept, the deciles among them; of fewer, the value of each review.
"""

from dataclasses import dataclass

import h5py
import numpy as np

from sentiment import hdf5
from sentiment.hdf5 import Group
from sentiment.ragged import Ragged

GROUP = "reference"
MEASURES = ("scores", "lengths", "unknown")
KEPT = 1001
MOST = {"scores": 1.0, "lengths": float(1 << 31), "unknown": 1.0}  # what a value may be


@dataclass(frozen=True)
class Reference:
    """values: by measure, ascending, `<float32>[kept]`; right: of the reviews, those that were called what they are."""

    values: dict[str, np.ndarray]
    right: int
    reviews: int


def summarize(values: dict[str, np.ndarray], right: np.ndarray) -> Reference:
    """values: of each review, by measure, `[reviews]`; right: whether it was called what it is, `<bool>[reviews]`."""
    return Reference({name: _summary(values[name]) for name in MEASURES}, int(right.sum()), len(right))


def _summary(values: np.ndarray) -> np.ndarray:
    kept = np.quantile(values, np.linspace(0, 1, KEPT)) if len(values) > KEPT else np.sort(values)
    return np.asarray(kept, np.float32)


def of_words(numbers: Ragged, known: int) -> dict[str, np.ndarray]:
    """The measures that follow from the texts alone, `[texts]`. numbers: as `Encoder` numbers words; known: words that have token ids."""
    rows = np.repeat(np.arange(len(numbers)), numbers.lengths)
    unknown = np.bincount(rows, (numbers.ids < 1) | (numbers.ids > known), len(numbers))
    return {"lengths": numbers.lengths, "unknown": unknown / np.maximum(numbers.lengths, 1)}


def write(reference: Reference, group: h5py.Group) -> None:
    for name, values in reference.values.items():
        group[f"{GROUP}/{name}"] = values
    group[f"{GROUP}/right"] = np.array([reference.right, reference.reviews], np.int64)


def read(group: Group) -> Reference | None:
    """None, if the file is of before there was one. Raises KeyError or ValueError if it is not what `write` writes."""
    if GROUP not in group:
        return None
    own = group.group(GROUP)
    right, reviews = own.array("right", "i", (2,)).tolist()
    if not 0 <= right <= reviews or not reviews:
        raise ValueError(f"its reference has {right} of {reviews} reviews right")
    return Reference({name: _values(own, name, min(reviews, KEPT)) for name in MEASURES}, right, reviews)


def _values(group: Group, name: str, kept: int) -> np.ndarray:
    values = group.array(name, "f")
    hdf5.check_shape(f"{GROUP}/{name}", values.shape, (kept,))
    if not np.isfinite(values).all() or (np.diff(values) < 0).any() or values[0] < 0 or values[-1] > MOST[name]:
        raise ValueError(f"{GROUP}/{name} are not ascending numbers from 0 to {MOST[name]:g}")
    return values.astype(np.float32)
