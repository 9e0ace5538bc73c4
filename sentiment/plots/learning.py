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

    epochs: the metrics of each, from the first, or from epoch 0, which has none of training; kept: the number of the epoch that is the
    model's.
    """
    figure = Figure(figsize=(2 * SIZE[0], SIZE[1]), layout="constrained")
    for axes, measure in zip(figure.subplots(1, 2), CURVES, strict=True):
        _draw(axes, measure, epochs, kept)
    return figure


def _draw(axes: Axes, measure: str, epochs: Sequence[dict[str, float]], kept: int) -> None:
    first = 1 if "train_loss" in epochs[0] else 0
    for split, name, line in (("train", "training", TRAINING), ("val", "validation", VALIDATION)):
        values = {number: epoch[key] for number, epoch in enumerate(epochs, first) if (key := f"{split}_{measure}") in epoch}
        axes.plot(list(values), list(values.values()), label=name, markersize=3.5, **line)
    axes.axvline(kept, color=GREY, linewidth=1, linestyle=":", label=f"kept: epoch {kept}")
    axes.set(title=f"The network's {measure}", xlabel="epoch [passes over the training reviews]", ylabel=CURVES[measure])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()
