"""The picture of a drift."""

import logging
from typing import Any

import numpy as np

logging.getLogger("matplotlib").setLevel(logging.ERROR)  # that its cache can't be written is nothing to the user
from matplotlib import rc_context  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.ticker import PercentFormatter  # noqa: E402

from sentiment.evaluation.drift import Drift  # noqa: E402

GREY, BLUE, VERMILLION = "#767676", "#0072b2", "#d55e00"  # legible on white and on black; told apart by colour-blind people
TITLES = {"scores": "score [probability of positive]", "lengths": "length [words]", "unknown": "unknown words [share of a text]"}
STYLE: Any = {"font.size": 9} | dict.fromkeys(
    ("text.color", "axes.edgecolor", "axes.labelcolor", "axes.titlecolor", "xtick.color", "ytick.color"), GREY
)


@rc_context(STYLE)
def shares(drifts: dict[str, Drift]) -> Figure:
    """Of each measure, how many texts lie between the deciles of the reference, and how many of the validation reviews did."""
    figure = Figure(figsize=(13, 4), layout="constrained", facecolor="none")
    for axes, (name, drift) in zip(figure.subplots(1, len(drifts)), drifts.items(), strict=True):
        places = np.arange(len(drift.expected))
        axes.bar(places - 0.2, drift.expected, 0.4, color=BLUE, label="validation reviews")
        axes.bar(places + 0.2, drift.actual, 0.4, color=VERMILLION, label="these texts", hatch="///", edgecolor="white", linewidth=0)
        axes.set(title=f"PSI {drift.psi:.3f} (by chance up to {drift.chance:.3f})", xlabel=TITLES[name], ylabel="share of the texts")
        axes.set_xticks(places, [*(f"≤ {edge:.3g}" for edge in drift.edges), f"> {drift.edges[-1]:.3g}"], rotation=60, ha="right")
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.set_facecolor("none")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    return figure
