"""Plots of a training."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sentiment.plots.style import BLUE, GREY, SIZE, VERMILLION, styled

TRAINING: dict[str, Any] = {"color": VERMILLION, "linestyle": (0, (5, 2)), "marker": "s"}
VALIDATION: dict[str, Any] = {"color": BLUE, "marker": "o"}
CURVES = {"loss": "loss [nats per review]", "accuracy": "accuracy [share of reviews]"}


@styled
def curve(measure: str, epochs: Sequence[dict[str, float]], kept: int) -> Figure:
    """One of CURVES; else as `curves`."""
    figure = Figure(figsize=SIZE, layout="constrained")
    _draw(figure.subplots(), measure, epochs, kept)
    return figure


@styled
def curves(epochs: Sequence[dict[str, float]], kept: int) -> Figure:
    """Loss and accuracy of the network by epoch, on the training and on the validation reviews.

    epochs: the metrics of each, from the first; kept: the number of the epoch that is the model's, from 1.
    """
    figure = Figure(figsize=(2 * SIZE[0], SIZE[1]), layout="constrained")
    for axes, measure in zip(figure.subplots(1, 2), CURVES, strict=True):
        _draw(axes, measure, epochs, kept)
    return figure


def _draw(axes: Axes, measure: str, epochs: Sequence[dict[str, float]], kept: int) -> None:
    numbers = range(1, len(epochs) + 1)
    for split, name, line in (("train", "training", TRAINING), ("val", "validation", VALIDATION)):
        axes.plot(numbers, [epoch[f"{split}_{measure}"] for epoch in epochs], label=name, markersize=3.5, **line)
    axes.axvline(kept, color=GREY, linewidth=1, linestyle=":", label=f"kept: epoch {kept}")
    axes.set(title=f"The network's {measure}", xlabel="epoch [passes over the training reviews]", ylabel=CURVES[measure])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()
