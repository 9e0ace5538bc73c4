"""Plots of a training."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sentiment.plots.style import BLUE, GREY, SIZE, VERMILLION, styled

CURVES = {"loss": "loss [nats per review]", "accuracy": "accuracy [share of reviews]"}


@styled
def curves(epochs: Sequence[dict[str, float]], kept: int) -> Figure:
    """Loss and accuracy of the network by epoch, on the training and on the validation reviews.

    epochs: the metrics of each, from the first; kept: the number of the epoch that is the model's, from 1.
    """
    figure = Figure(figsize=(2 * SIZE[0], SIZE[1]), layout="constrained")
    numbers = range(1, len(epochs) + 1)
    for axes, (measure, label) in zip(figure.subplots(1, 2), CURVES.items(), strict=True):
        for split, name, line in (
            ("train", "training", {"color": VERMILLION, "linestyle": (0, (5, 2)), "marker": "s"}),
            ("val", "validation", {"color": BLUE, "marker": "o"}),
        ):
            axes.plot(numbers, [epoch[f"{split}_{measure}"] for epoch in epochs], label=name, markersize=3.5, **line)
        axes.axvline(kept, color=GREY, linewidth=1, linestyle=":", label=f"kept: epoch {kept}")
        axes.set(title=f"The network's {measure}", xlabel="epoch [passes over the training reviews]", ylabel=label)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend()
    return figure
