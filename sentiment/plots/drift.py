"""Plots of a drift."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from sentiment.evaluation.drift import Drift
from sentiment.plots.style import BLUE, VERMILLION, styled

X_LABELS = {"scores": "score [probability of positive]", "lengths": "length [words]", "unknown": "unknown words [share of a text]"}


@styled
def shares(drifts: dict[str, Drift]) -> Figure:
    """Of each measure, how many texts lie between the deciles of the reference, and how many of the validation reviews did."""
    figure = Figure(figsize=(13, 4), layout="constrained")
    for axes, (name, drift) in zip(figure.subplots(1, len(drifts)), drifts.items(), strict=True):
        positions = np.arange(len(drift.expected))
        axes.bar(positions - 0.2, drift.expected, 0.4, color=BLUE, label="validation reviews")
        axes.bar(positions + 0.2, drift.actual, 0.4, color=VERMILLION, label="these texts", hatch="///", edgecolor="white", linewidth=0)
        axes.set(title=f"PSI {drift.psi:.3f} (by chance up to {drift.chance:.3f})", xlabel=X_LABELS[name], ylabel="share of the texts")
        axes.set_xticks(positions, [*(f"≤ {edge:.3g}" for edge in drift.edges), f"> {drift.edges[-1]:.3g}"], rotation=60, ha="right")
        axes.yaxis.set_major_formatter(PercentFormatter(1))
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return figure
