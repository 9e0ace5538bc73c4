"""How unlike two samples of one measure are, and whether chance explains it."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2, fisher_exact, ks_2samp

from sentiment.evaluation.metrics import SIGNIFICANCE
from sentiment.model.reference import MEASURES, Reference

DECILES = np.linspace(0.1, 0.9, 9)


@dataclass(frozen=True)
class Drift:
    """How far the texts are from the reference, in one measure.

    Attributes:
        psi: Population stability index.
        chance: What it exceeds once in 20 times, over all measures, if nothing has changed.
        ks: The Kolmogorov–Smirnov statistic; p: its p.
        edges: The reference's deciles, each once, `[bins - 1]`.
        expected, actual: Shares of the reference and of the texts that are up to each edge, and over the last, `[bins]`.
    """

    psi: float
    chance: float
    ks: float
    p: float
    edges: np.ndarray
    expected: np.ndarray
    actual: np.ndarray


def from_reference(reference: Reference, values: dict[str, np.ndarray]) -> dict[str, Drift]:
    """Of each measure. values: of each text, by measure, `[texts]`."""
    return {name: _drift(reference.values[name], reference.reviews, values[name]) for name in MEASURES}


def _drift(kept: np.ndarray, reviews: int, values: np.ndarray) -> Drift:
    values = values.astype(np.float32)  # as the reference is kept, or equal ones would differ
    edges = np.unique(np.quantile(kept, DECILES, method="inverted_cdf"))
    expected, actual = _counts(edges, kept) * reviews / len(kept), _counts(edges, values)
    bins, texts = len(expected), len(values)
    once = chi2.ppf(1 - SIGNIFICANCE / len(MEASURES), bins - 1) * (1 / reviews + 1 / texts)
    test = ks_2samp(kept, values, method="asymp")
    shares = expected / expected.sum(), actual / texts
    return Drift(psi(expected, actual), float(once), float(test.statistic), float(test.pvalue), edges, *shares)


def _counts(edges: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1)


def psi(expected: np.ndarray, actual: np.ndarray) -> float:
    """The population stability index of two counts of the same bins: the sum of (a - e) ln(a / e) over their shares e and a.

    It is Jeffreys's divergence, which credit scoring knows by this name (Siddiqi, Credit Risk Scorecards, 2006). Half a count is added to
    each bin, so that an empty one does not make it infinite. If nothing has changed it is distributed as chi-square with one degree of
    freedom less than bins, times the sum of the two samples' 1 / n (Yurdakul, Statistical Properties of Population Stability Index, 2018).
    """
    e, a = ((counts + 0.5) / (counts.sum() + 0.5 * len(counts)) for counts in (expected, actual))
    return float(((a - e) * np.log(a / e)).sum())


def less_accurate(right: int, texts: int, reference: Reference) -> float:
    """Fisher's exact one-sided p that, with nothing changed, so few of the texts were right beside the reference's."""
    table = [[right, texts - right], [reference.right, reference.reviews - reference.right]]
    return float(fisher_exact(table, alternative="less").pvalue)
