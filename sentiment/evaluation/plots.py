"""Pictures that runs log."""

import logging

import numpy as np

logging.getLogger("matplotlib").setLevel(logging.ERROR)  # that its cache can't be written is nothing to the user
from matplotlib.figure import Figure  # noqa: E402


def review_lengths(lengths: np.ndarray, labels: np.ndarray, max_length: int) -> Figure:
    """How long the reviews are, by label. lengths: tokens, `[reviews]`; labels: 0 or 1, `[reviews]`."""
    figure = Figure(figsize=(7, 3.5), layout="constrained")
    axes = figure.subplots()
    width = -(-int(lengths.max()) // 40)  # whole tokens, or the bins would hold now three lengths, now four
    bins = list(range(0, int(lengths.max()) + width + 1, width))
    axes.hist(
        [lengths[labels == 0], lengths[labels == 1]], bins=bins, stacked=True, label=["negative", "positive"], color=["#c44e52", "#4c72b0"]
    )
    if lengths.max() >= max_length:
        axes.axvline(max_length, color="black", linewidth=1, linestyle="--", label=f"cut at {max_length}")
    axes.set(
        xlabel="tokens of a review", ylabel="reviews", title=f"{len(lengths):,} reviews, {int(np.median(lengths))} tokens in the median"
    )
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return figure
