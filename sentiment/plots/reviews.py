"""Plots of reviews, as they are prepared."""

import numpy as np
from matplotlib.figure import Figure

from sentiment.plots.style import GREY, NEGATIVE, POSITIVE, one, styled


@styled
def lengths(lengths: np.ndarray, labels: np.ndarray, max_length: int) -> Figure:
    """How long the reviews are, by label. lengths: tokens, `[reviews]`; labels: 0 or 1, `[reviews]`."""
    figure, axes = one(
        f"{len(lengths):,} reviews, {int(np.median(lengths))} tokens in the median", "length of a review [tokens]", "reviews"
    )
    width = -(-int(lengths.max()) // 40)  # whole tokens, or the bins would hold now three lengths, now four
    bins = list(range(0, int(lengths.max()) + width + 1, width))
    by_label = [lengths[labels == 0], lengths[labels == 1]]
    axes.hist(by_label, bins=bins, stacked=True, label=["negative", "positive"], color=[NEGATIVE, POSITIVE])
    if lengths.max() >= max_length:
        axes.axvline(max_length, color=GREY, linewidth=1, linestyle="--", label=f"cut at {max_length}")
    axes.legend()
    return figure
