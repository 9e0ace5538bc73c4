"""Assigns reviews to the splits: training, validation, test."""

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sentiment.errors import UserError
from sentiment.reviews.batch import SPLIT_NAMES, TEST, TRAIN, UNLABELLED, VALIDATION

LEAST = 3  # reviews of each label that measure, where that leaves enough to train
LEFT_OUT = -2  # a review that is of no split, as a validation or test review would leak through it


def number_groups(groups: list[str], names: dict[str, str]) -> np.ndarray:
    """`<int64>[reviews]`: equal for groups of the same name, from 1; 0 for "". names: what some groups are really called."""
    numbers = {"": 0}
    return np.array([numbers.setdefault(names.get(group, group), len(numbers)) for group in groups], np.int64)


def stratified(groups: np.ndarray, fraction: float, random: np.random.Generator) -> np.ndarray:
    """Draws `fraction` of the members of each group: `<bool>[members]`.

    If any are drawn, there are LEAST of each group, as one or two measure nothing, but no more than a third of it, and at least one.
    """
    drawn = np.zeros(len(groups), bool)
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        count = max(round(fraction * len(members)), min(LEAST, len(members) // 3), 1) if fraction > 0 else 0
        drawn[random.permutation(members)[:count]] = True
    return drawn


def sample(labels: np.ndarray, splits: np.ndarray, count: int, seed: int) -> np.ndarray:
    """The rows of a sample of `count` labelled reviews (0: all) with the same share of each label and split: `<int64>[rows]`, in order.

    Of the unlabelled reviews (label -1), the same share is in it, beyond `count`.
    """
    labelled, unlabelled = np.flatnonzero(labels >= 0), np.flatnonzero(labels < 0)
    if count == 0 or count >= len(labelled):
        return np.arange(len(labels))
    groups = labels[labelled].astype(np.int64) * 8 + splits[labelled]
    random = np.random.default_rng(seed)
    # Shares rounded down, then the largest remainders get one more, so that the total is exact.
    names, sizes = np.unique(groups, return_counts=True)
    shares = sizes * (count / len(labelled))
    counts = np.floor(shares).astype(int)
    counts[np.argsort(counts - shares, kind="stable")[: count - counts.sum()]] += 1
    rows = [labelled[random.permutation(np.flatnonzero(groups == name))[:size]] for name, size in zip(names, counts, strict=True)]
    rows.append(random.permutation(unlabelled)[: round(len(unlabelled) * count / len(labelled))])
    return np.sort(np.concatenate(rows))


def assign(
    labels: np.ndarray,
    original: np.ndarray,
    texts: np.ndarray,
    groups: np.ndarray,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
) -> np.ndarray:
    """Gives each review its split: `<int8>[reviews]`.

    A split that the file has stays; where it has none, test is drawn from its training reviews, and so is validation. A text that
    occurs twice is in one split. Where training reviews have groups, whole groups of both labels are drawn, as reviews of the films
    that a model was trained on would tell too well of it; groups that the file itself measures by stay where they are. Without groups,
    texts are drawn by label. `LEFT_OUT` are reviews that the file has for training and, with the same text, for measuring; and
    unlabelled ones whose text or group is in a split that measures.

    labels: 0 or 1, -1 for none; original: TRAIN, VALIDATION, TEST or UNLABELLED; texts: a number that is equal for equal texts; groups:
        from 1, 0 for none. Each `[reviews]`.

    Raises:
        UserError: There are groups, but whole ones don't make up a split of the size asked for.
    """
    splits = original.astype(np.int8).copy()
    random = np.random.default_rng(seed)
    text_measures = np.zeros(texts.max(initial=0) + 1, bool)
    stays = _shares_group(groups, (original == VALIDATION) | (original == TEST))
    for split, fraction in ((TEST, test_fraction), (VALIDATION, validation_fraction)):
        if not (splits == split).any():
            free = np.flatnonzero((splits == TRAIN) & ~text_measures[texts])
            if groups[free].any():
                drawn = _whole(labels[free], texts[free], groups[free], stays[free], split, fraction, random)
            else:
                _, first, unit = np.unique(texts[free], return_index=True, return_inverse=True)
                drawn = stratified(labels[free][first], fraction, random)[unit]
            splits[free[drawn]] = split
        text_measures[texts[splits == split]] = True
        lower = (TRAIN, UNLABELLED, VALIDATION) if split == TEST else (TRAIN, UNLABELLED)
        splits[np.isin(splits, lower) & text_measures[texts]] = LEFT_OUT
    measures = (splits == VALIDATION) | (splits == TEST)
    splits[(splits == UNLABELLED) & _shares_group(groups, measures)] = LEFT_OUT
    return splits


def how(original: np.ndarray, groups: np.ndarray, assigned: np.ndarray) -> str:
    """In a few words, how `assign` chose the splits; each `[reviews]`, as it takes and returns them."""
    drawn = [split for split in (VALIDATION, TEST) if (assigned == split).any() and not (original == split).any()]
    names = " and ".join(SPLIT_NAMES[split] for split in drawn)
    free = original == TRAIN
    count, held_out = _count(groups[free]), _count(groups[np.isin(assigned, drawn)])
    if not drawn:
        words = "the file's own split"
    elif not count:
        return f"single reviews for {names}; reviews of one film or product may be in training too"
    else:
        words = f"whole groups for {names} ({held_out:,} of {count:,})"
        if alone := int((free & (groups == 0)).sum()):
            words += f"; {alone:,} reviews have no group"
    measures = (assigned == VALIDATION) | (assigned == TEST)
    if both := _count(groups[(assigned == TRAIN) & _shares_group(groups, measures)]):
        words += f"; the file has {both:,} groups for training and for measuring"
    return words


def _count(groups: np.ndarray) -> int:
    return len(np.unique(groups[groups > 0]))


def _shares_group(groups: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The reviews of whose group one is among `rows`: `<bool>[reviews]`, as `rows` is."""
    return np.isin(groups, groups[rows & (groups > 0)])


def _whole(
    labels: np.ndarray,
    texts: np.ndarray,
    groups: np.ndarray,
    stays: np.ndarray,
    split: int,
    fraction: float,
    random: np.random.Generator,
) -> np.ndarray:
    """Draws whole units, to a target number of reviews of each label: `<bool>[reviews]`.

    In random order, first those that fit in, then those that bring the numbers nearer to the target.

    stays: `<bool>[reviews]`, those that may not be drawn, nor may what is of their units.
    """
    units = _units(texts, groups)
    sizes = np.bincount(units * 2 + labels, minlength=2 * (units.max() + 1)).reshape(-1, 2)
    there = np.bincount(labels, minlength=2)
    target = np.maximum(fraction * there, there > 0) if fraction > 0 else np.zeros(2)
    negative, positive = target.tolist()  # what is still to be drawn
    order = random.permutation(np.setdiff1d(units, units[stays]))
    taken: set[int] = set()
    for only_fitting in (True, False):
        for unit, (negatives, positives) in zip(order.tolist(), sizes[order].tolist(), strict=True):
            fits = negatives <= negative and positives <= positive
            nearer = 2 * (negative * negatives + positive * positives) >= negatives**2 + positives**2
            if unit not in taken and (fits if only_fitting else nearer):
                taken.add(unit)
                negative, positive = negative - negatives, positive - positives
    drawn = sorted(taken)
    if (sizes[drawn].sum(0) * 2 < target).any():
        of = "" if not stays.any() else ", of which the file itself measures by some"
        raise UserError(
            f"Whole groups don't make up the {SPLIT_NAMES[split]} split. Received: {_count(groups)} groups in {len(groups)} training "
            f"reviews, the largest with {np.bincount(groups)[1:].max()}{of}; {SPLIT_NAMES[split]}_fraction={fraction:g}. Give reviews of "
            "more groups and both labels, or draw single reviews: group_column=none for a table, a folder without urls_*.txt for aclImdb."
        )
    return np.isin(units, drawn)


def _units(texts: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """What is drawn as a whole: `<int64>[reviews]`, a number for each unit.

    Groups that have a text in common are one unit, and so are reviews without a group that have the same text. If that made one
    of over half of the reviews, as a text such as "good" may, a unit is a single group, and equal texts in others are left out later.
    """
    _, text = np.unique(texts, return_inverse=True)
    _, group = np.unique(groups, return_inverse=True)
    nodes = np.where(groups > 0, text.max() + 1 + group, text)
    count = int(nodes.max()) + 1
    edges = coo_array((np.ones(len(text), bool), (text, nodes)), shape=(count, count))
    units = connected_components(edges, directed=False)[1].astype(np.int64)[nodes]
    return nodes if np.bincount(units).max() * 2 > len(units) else units
