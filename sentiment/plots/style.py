"""The one style of all plots.

They have no background, and texts of a grey that is legible on white and on black; an inline SVG takes the colour of the text around it.

Colours are Okabe and Ito's (2008), which colour-blind people can tell apart; those that are too pale on white are left out, and lines
differ in their dashes, too.
"""

import io
import re
from collections.abc import Mapping
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

GREY, BLUE, VERMILLION, GREEN = "#767676", "#0072b2", "#d55e00", "#009e73"
NEGATIVE, POSITIVE = VERMILLION, BLUE
NAMES = {"model": "both", "network": "network", "ngrams": "n-grams"}  # of the parts of a model that has two
LINES: dict[str, dict[str, Any]] = {  # of a model and its parts
    "network": {"color": BLUE, "linestyle": (0, (5, 2))},
    "ngrams": {"color": VERMILLION, "linestyle": (0, (1, 1))},
    "model": {"color": GREEN, "linestyle": "-", "linewidth": 2},
}
SIZE = (5.2, 3.7)  # inches
STYLE: Any = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.5,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "sentiment",
} | dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "axes.titlecolor", "xtick.color", "ytick.color", "grid.color"), GREY)

styled = rc_context(STYLE)  # a decorator of whatever draws


def one(title: str, x: str, y: str, **limits: Any) -> tuple[Figure, Axes]:
    """A figure with one plot. x, y: what the axes show, with its unit."""
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.subplots()
    axes.set(title=title, xlabel=x, ylabel=y, **limits)
    return figure, axes


def legend_below(axes: Axes, columns: int = 3) -> None:
    """Outside of the plot, where it hides nothing and is not taken for a part of it."""
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=columns)


@styled
def png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=150, metadata={"Software": None})
    return file.getvalue()


def pngs(figures: Mapping[str, Figure]) -> dict[str, bytes]:
    return {name: png(figure) for name, figure in figures.items()}


@styled
def svg(figure: Figure) -> str:
    """An `<svg>` for a page, in the colour and the font of its text."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    drawing = file.getvalue()
    drawing = drawing[drawing.index("<svg") :].replace(GREY, "currentColor")
    drawing = re.sub(r" id=\"[A-Za-z0-9.]+_\d+\"", "", drawing)  # which several drawings on a page would share
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing, flags=re.DOTALL)
    return re.sub(r"font: (bold )?([\d.]+)px [^;\"]*", r"font-size: \2px", drawing)
