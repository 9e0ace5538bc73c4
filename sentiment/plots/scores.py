"""Plots of how good scores are."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from sklearn.metrics import average_precision_score, confusion_matrix, precision_recall_curve, roc_auc_score, roc_curve

from sentiment.evaluation import metrics
from sentiment.evaluation.scored import MODEL, Scored
from sentiment.plots.style import BLUE, GREEN, GREY, LINES, NAMES, NEGATIVE, POSITIVE, legend_below, one, styled

LABELS = ("negative", "positive")
SCORE = "score [probability of positive]"
GROUPS, LEAST = 5, 8  # of lengths; and reviews in each, if there are so many
SQUARE = {"xlim": (-0.02, 1.02), "ylim": (-0.02, 1.02)}


def every(scored: Scored) -> dict[str, Figure]:
    """All of them, by name."""
    drawn = {
        "roc": roc(scored),
        "precision_recall": precision_recall(scored),
        "calibration": calibration(scored),
        "score_histogram": histogram(scored),
        "confusion_matrix": confusion(scored),
        "accuracy_by_length": by_length(scored),
    }
    return {f"{scored.split}_{name}": figure for name, figure in drawn.items()}


@styled
def roc(scored: Scored) -> Figure:
    """The share of positive reviews found against that of negative ones taken for positive, over all thresholds."""
    figure, axes = one(_title(scored, "ROC"), "false positives [share of the negative]", "true positives [share of the positive]", **SQUARE)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":")
    for part, scores in _parts(scored):
        false, true, _ = roc_curve(scored.labels, scores)
        axes.plot(false, true, label=f"{part_name(scored, part)}: AUC {roc_auc_score(scored.labels, scores):.3f}", **LINES[part])
    axes.legend(loc="lower right")
    return figure


@styled
def precision_recall(scored: Scored) -> Figure:
    """How many of those called positive are, against how many of the positive are found, over all thresholds."""
    figure, axes = one(
        _title(scored, "Precision and recall"),
        "recall [share of the positive]",
        "precision [share of the called positive]",
        **SQUARE,
    )
    axes.axhline(float(scored.labels.mean()), color=GREY, linewidth=1, linestyle=":")
    for part, scores in _parts(scored):
        precision, recall, _ = precision_recall_curve(scored.labels, scores, drop_intermediate=True)
        average = average_precision_score(scored.labels, scores)
        axes.plot(recall, precision, label=f"{part_name(scored, part)}: average {average:.3f}", **LINES[part])
    axes.legend(loc="lower left")
    return figure


@styled
def calibration(scored: Scored) -> Figure:
    """How many reviews are positive of those with scores of about one size: on the diagonal, if a score is a probability."""
    figure, axes = one(_title(scored, "Calibration"), SCORE, "positive [share of reviews]", **SQUARE)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":")
    for part, scores in _parts(scored):
        _, predicted, observed = metrics.calibration_bins(scored.labels, scores)
        measured = metrics.measure(scored.labels, scores)
        label = f"{part_name(scored, part)}: ECE {measured['ece']:.3f}, Brier {measured['brier']:.3f}"
        axes.plot(predicted, observed, label=label, marker="o", markersize=3.5, **LINES[part])
    _whiskers(axes, scored)
    legend_below(axes, 1)
    return figure


def _whiskers(axes: Axes, scored: Scored) -> None:
    """The model's intervals: with few reviews in a bin, these are wide."""
    counts, predicted, observed = metrics.calibration_bins(scored.labels, scored.scores)
    bounds = [metrics.wilson(round(share * count), int(count)) for share, count in zip(observed, counts, strict=True)]
    low, high = np.array(bounds).T
    axes.vlines(predicted, low, high, color=GREEN, linewidth=1, alpha=0.5)


@styled
def histogram(scored: Scored) -> Figure:
    """How many reviews of each label have which score."""
    figure, axes = one(_title(scored, "Scores by label"), SCORE, "reviews", xlim=(0, 1))
    bins = np.linspace(0, 1, 21).tolist()
    for label, (name, color) in enumerate(zip(LABELS, (NEGATIVE, POSITIVE), strict=True)):
        scores = scored.scores[scored.labels == label]
        axes.hist(scores, bins=bins, label=f"{name}: {len(scores):,}", color=color, alpha=0.6)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.axvline(scored.threshold, color=GREY, linewidth=1, linestyle="--", label=f"threshold {scored.threshold:g}")
    axes.legend()
    return figure


@styled
def confusion(scored: Scored) -> Figure:
    """How many reviews of each label are called what, at the threshold."""
    counts = confusion_matrix(scored.labels, scored.positive, labels=[0, 1])
    shares = counts / counts.sum(axis=1, keepdims=True)
    figure, axes = one(_title(scored, f"Right and wrong at {scored.threshold:g}"), "called", "is")
    shade = LinearSegmentedColormap.from_list("shade", [to_rgba(BLUE, 0.04), to_rgba(BLUE, 0.2)])
    axes.pcolormesh(shares, cmap=shade, vmin=0, vmax=1, edgecolors=GREY, linewidth=0.5)
    for row, column in np.ndindex(2, 2):
        text = f"{counts[row, column]:,}\n{shares[row, column]:.1%}"
        axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=14, fontweight="bold")
    axes.set_xticks([0.5, 1.5], LABELS)
    axes.set_yticks([0.5, 1.5], LABELS)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.tick_params(length=0)
    return figure


@styled
def by_length(scored: Scored) -> Figure:
    """The accuracy of short and of long reviews: groups with about equally many, each with its interval."""
    right = scored.right
    count = max(min(GROUPS, len(right) // LEAST), 1)
    bounds = np.unique(np.quantile(scored.lengths, np.linspace(0, 1, count + 1)[1:-1]))
    groups = np.searchsorted(bounds, scored.lengths)
    figure, axes = one(_title(scored, "Accuracy by length"), "length of a review [words]", "accuracy [share of reviews]")
    names, bottom = [], 0.5
    for position, group in enumerate(np.unique(groups)):
        rows = groups == group
        share, (low, high) = float(right[rows].mean()), metrics.wilson(int(right[rows].sum()), int(rows.sum()))
        axes.errorbar(position, share, [[max(share - low, 0)], [max(high - share, 0)]], color=GREEN, marker="o", capsize=4)
        bottom, lengths = min(bottom, np.floor(low * 10) / 10), scored.lengths[rows]
        names.append(f"{lengths.min():,}–{lengths.max():,}\n{len(lengths):,} reviews")
    axes.axhline(float(right.mean()), color=GREY, linewidth=1, linestyle="--", label=f"all: {right.mean():.1%}")
    axes.set_xticks(range(len(names)), names)
    axes.set(xlim=(-0.5, len(names) - 0.5), ylim=(bottom, 1.02))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.grid(visible=False, axis="x")
    axes.legend(loc="lower right")
    return figure


def _parts(scored: Scored) -> list[tuple[str, np.ndarray]]:
    """The parts of a model that has two, and itself, which is drawn last."""
    return [(part, scored.compared[part]) for part in LINES if part in scored.compared]


def part_name(scored: Scored, part: str) -> str:
    """What a part is called beside the others; the model, where there is but one."""
    return NAMES[part] if len(scored.compared) > 1 else MODEL


def _title(scored: Scored, what: str) -> str:
    return f"{what}, {len(scored.labels):,} {scored.split} reviews"
