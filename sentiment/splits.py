"""Who trains, who validates, who tests."""

import numpy as np

from sentiment.reviews.batch import TEST, TRAIN, VALIDATION

LEAST_GROUPS = 20  # of a label, or the splits would be too uneven
LEFT_OUT = -2  # a training review that also occurs in a split that measures


def stratified(groups: np.ndarray, fraction: float, random: np.random.Generator) -> np.ndarray:
    """Draws `fraction` of the members of each group; returns `<bool>[members]`, with at least one of each group if any are drawn."""
    drawn = np.zeros(len(groups), bool)
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        count = max(round(fraction * len(members)), 1) if fraction > 0 else 0
        drawn[random.permutation(members)[:count]] = True
    return drawn


def sample(labels: np.ndarray, splits: np.ndarray, count: int, seed: int) -> np.ndarray:
    """The rows of a sample of `count` (0: all) with the same share of each label and split: `<int64>[rows]`, in order."""
    if count == 0 or count >= len(labels):
        return np.arange(len(labels))
    groups = labels.astype(np.int64) * 8 + splits
    random = np.random.default_rng(seed)
    # Shares rounded down, then the largest remainders get one more, so that the total is exact.
    names, sizes = np.unique(groups, return_counts=True)
    shares = sizes * (count / len(labels))
    counts = np.floor(shares).astype(int)
    counts[np.argsort(counts - shares, kind="stable")[: count - counts.sum()]] += 1
    rows = [random.permutation(np.flatnonzero(groups == name))[:size] for name, size in zip(names, counts, strict=True)]
    return np.sort(np.concatenate(rows))


def assign(
    labels: np.ndarray,
    given: np.ndarray,
    texts: np.ndarray,
    groups: np.ndarray,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
) -> np.ndarray:
    """Gives each review its split: `<int8>[reviews]`.

    A split that the file has stays; where it has none, test is drawn from its training reviews, and so is validation. Both are drawn by
    label, and by text: a text that occurs twice is in one split. `LEFT_OUT` are reviews that the file has for training and,
    with the same text, for measuring. Where there are groups enough, whole groups are drawn: reviews of the films that a model
    was trained on would tell too well of it.

    labels: 0 or 1; given: TRAIN, VALIDATION or TEST; texts: a number that is equal for equal texts; groups: from 1, 0 for none. Each
        `[reviews]`.
    """
    splits = given.astype(np.int8).copy()
    random = np.random.default_rng(seed)
    kept_out = np.zeros(texts.max() + 1 if len(texts) else 0, bool)
    for split, fraction in ((TEST, test_fraction), (VALIDATION, validation_fraction)):
        if not (splits == split).any():
            free = np.flatnonzero((splits == TRAIN) & ~kept_out[texts])
            _, first, of_unit = np.unique(_units(labels[free], texts[free], groups[free]), return_index=True, return_inverse=True)
            drawn = stratified(labels[free][first], fraction, random)
            splits[free[drawn[of_unit]]] = split
        kept_out[texts[splits == split]] = True
        lower = (TRAIN, VALIDATION) if split == TEST else (TRAIN,)
        splits[np.isin(splits, lower) & kept_out[texts]] = LEFT_OUT
    return splits


def _units(labels: np.ndarray, texts: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """What is drawn as a whole, as numbers: the groups of each label, if all reviews are in one of many, or else the texts."""
    units = groups.astype(np.int64) * 2 + labels
    enough = all(len(np.unique(units[labels == label])) >= LEAST_GROUPS for label in (0, 1))
    return units if enough and (groups > 0).all() else texts
