"""The figures of a page, with what is to be seen on them."""

from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.figure import Figure

from sentiment.evaluation.scored import Scored
from sentiment.plots import learning, scores
from sentiment.report.pages import drawing

CAPTIONS = {
    "roc": "How many positive reviews are found, against how many negative ones are taken for positive. The dotted line is guessing.",
    "precision_recall": "How many of those called positive are, against how many are found. The dotted line is calling all positive.",
    "calibration": "On the dotted line a score is a probability. Thin lines are 95\u202f% intervals, long where reviews are few.",
    "score_histogram": "The further apart the two labels, the better. Reviews beyond the threshold on the wrong side are called wrongly.",
    "confusion_matrix": "Rows are what a review is, columns what it is called.",
    "accuracy_by_length": "Groups of about equally many reviews, with 95\u202f% intervals.",
}


@dataclass(frozen=True)
class Drawn:
    """drawing: an SVG; caption: what to see on it; label: what it is, for those who can't see it; wide: over the page's whole width."""

    drawing: Markup
    caption: str
    label: str
    wide: bool = False


def draw(figure: Figure, caption: str = "", wide: bool = False) -> Drawn:
    return Drawn(drawing(figure), caption, figure.axes[0].get_title(loc="left"), wide)


def of_scores(scored: Scored) -> list[Drawn]:
    return [draw(figure, CAPTIONS[name.removeprefix(f"{scored.split}_")]) for name, figure in scores.every(scored).items()]


def of_training(epochs: list[dict[str, float]], kept: int) -> list[Drawn]:
    """None for a model that has no network."""
    captions = {
        "loss": "The epoch with the least validation loss is kept. Where the two lines part, the network learns the reviews by heart.",
        "accuracy": "At the threshold 0.5, of the network by itself.",
    }
    return [draw(learning.curve(measure, epochs, kept), caption) for measure, caption in captions.items()] if epochs else []
