"""Plots of a search: how its trials went, and what their quality depends on."""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState

from sentiment.plots.style import BLUE, GREEN, SIZE, VERMILLION, legend_below, one, styled

COMPLETE = {"color": BLUE, "marker": "o", "linestyle": "none", "markersize": 5, "label": "complete"}
PRUNED = {"color": VERMILLION, "marker": "x", "linestyle": "none", "markersize": 6, "label": "pruned: last epoch's"}
FROM_WORST = LinearSegmentedColormap.from_list("from_worst", [VERMILLION, "#777777", BLUE])


@styled
def history(trials: Sequence[FrozenTrial], metric: str) -> Figure:
    """The metric of each trial, in the order of their numbers, and the best so far."""
    figure, axes = one("History", "trial [number]", metric)
    done, values = _complete(trials)
    numbers = [trial.number for trial in done]
    _draw(axes, trials, numbers, lambda trial: trial.number)
    best = np.minimum if metric.endswith("loss") else np.maximum
    if done:
        so_far = best.accumulate(values)
        if (last := max(trial.number for trial in trials)) > numbers[-1]:  # which was pruned, or failed
            numbers, so_far = [*numbers, last], np.append(so_far, so_far[-1])
        axes.step(numbers, so_far, where="post", color=GREEN, label="best so far")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend_below(axes)
    return figure


@styled
def effort(trials: Sequence[FrozenTrial], metric: str) -> Figure:
    """The metric of each trial against the time that it took."""
    figure, axes = one("Training time and quality", "time of a trial [s]", metric)
    _draw(axes, trials, [_seconds(trial) for trial in _complete(trials)[0]], _seconds)
    axes.set_xlim(left=0)
    legend_below(axes)
    return figure


@styled
def importance(shares: dict[str, float]) -> Figure:
    """shares: of the metric's variance that is each parameter's."""
    figure, axes = one("Importance", "importance [share of the variance]", "parameter", xlim=(0, 1))
    names = sorted(shares, key=lambda name: shares[name])
    bars = axes.barh(names, [shares[name] for name in names], color=BLUE, alpha=0.7)
    axes.bar_label(bars, [f"{shares[name]:.2f}" for name in names], padding=4)
    axes.grid(visible=False, axis="y")
    return figure


@styled
def slice_of(trials: Sequence[FrozenTrial], name: str, metric: str) -> Figure:
    """The metric of each complete trial against one parameter."""
    figure, axes = one(f"{name}, complete trials", name, metric)
    done = [trial for trial in _complete(trials)[0] if name in trial.params]
    axes.plot([trial.params[name] for trial in done], [trial.values[0] for trial in done], **COMPLETE)  # type: ignore[arg-type]
    whole = all(isinstance(trial.params[name], int) for trial in done)
    if all(getattr(trial.distributions[name], "log", False) for trial in done):
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if not whole or value == int(value) else ""))
        axes.xaxis.set_minor_formatter(NullFormatter())
    elif whole:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


@styled
def parallel(trials: Sequence[FrozenTrial], metric: str) -> Figure:
    """Each complete trial as a line through its parameters, between the least and the greatest that was tried; blue for the best."""
    done, values = _complete(trials)
    counts = Counter(name for trial in done for name in trial.params)
    names = sorted(counts, key=lambda name: (-counts[name], name))  # those last that only some trials have
    figure = Figure(figsize=(2 * SIZE[0], SIZE[1]), layout="constrained")
    axes = figure.subplots()
    columns = [*names, metric]
    heights = np.column_stack([_heights(done, name) for name in names] + [_scaled(np.array(values))])
    quality = heights[:, -1] if not metric.endswith("loss") else 1 - heights[:, -1]
    for row, good in sorted(zip(heights, quality.tolist(), strict=True), key=lambda pair: pair[1]):
        positions = np.flatnonzero(~np.isnan(row))
        axes.plot(positions, row[positions], color=FROM_WORST(good), alpha=0.6 + 0.4 * good, marker=".")
    axes.set(
        title="Parallel coordinates", xlabel="parameter, from the least tried below to the greatest above", ylabel="share of what was tried"
    )
    for position, name in enumerate(names):
        low, high = _ends(done, name)
        axes.annotate(high, (position, 1.03), ha="center", annotation_clip=False)
        axes.annotate(low, (position, -0.07), ha="center", annotation_clip=False)
    axes.annotate(f"{max(values):.4g}", (len(names), 1.03), ha="center")
    axes.annotate(f"{min(values):.4g}", (len(names), -0.07), ha="center")
    axes.set_xticks(range(len(columns)), [name.replace("_", "_\n") for name in columns])
    axes.set_ylim(-0.12, 1.12)
    axes.grid(visible=False, axis="y")
    return figure


def _draw(axes: Axes, trials: Sequence[FrozenTrial], xs: Sequence[float], x_of: Callable[[FrozenTrial], float]) -> None:
    """The complete trials at `xs`, and the pruned ones, at what their last epoch had."""
    axes.plot(xs, _complete(trials)[1], **COMPLETE)  # type: ignore[arg-type]
    pruned = [trial for trial in trials if trial.state == TrialState.PRUNED and trial.intermediate_values]
    if pruned:
        last = [trial.intermediate_values[max(trial.intermediate_values)] for trial in pruned]
        axes.plot([x_of(trial) for trial in pruned], last, **PRUNED)  # type: ignore[arg-type]


def _complete(trials: Sequence[FrozenTrial]) -> tuple[list[FrozenTrial], list[float]]:
    done = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    return done, [trial.values[0] for trial in done]


def _seconds(trial: FrozenTrial) -> float:
    return trial.duration.total_seconds() if trial.duration else 0.0


def _heights(trials: Sequence[FrozenTrial], name: str) -> np.ndarray:
    """A parameter's values between 0 and 1, and NaN where a trial has none: `<float64>[trials]`."""
    values = [trial.params.get(name) for trial in trials]
    if _is_category(trials, name):
        kinds = sorted({str(value) for value in values if value is not None})
        return _scaled(np.array([np.nan if value is None else kinds.index(str(value)) for value in values], float))
    numbers = np.array([np.nan if value is None else value for value in values], float)
    is_log = all(getattr(trial.distributions[name], "log", False) for trial in trials if name in trial.params)
    return _scaled(np.log(numbers) if is_log else numbers)


def _ends(trials: Sequence[FrozenTrial], name: str) -> tuple[str, str]:
    values = [trial.params[name] for trial in trials if name in trial.params]
    if _is_category(trials, name):
        kinds = sorted(map(str, set(values)))
        return kinds[0], kinds[-1]
    return f"{min(values):.3g}", f"{max(values):.3g}"


def _is_category(trials: Sequence[FrozenTrial], name: str) -> bool:
    return any(isinstance(trial.distributions.get(name), CategoricalDistribution) for trial in trials)


def _scaled(values: np.ndarray) -> np.ndarray:
    """Between 0 and 1; all in the middle, if they are equal."""
    low, high = np.nanmin(values), np.nanmax(values)
    return (values - low) / (high - low) if high > low else np.where(np.isnan(values), np.nan, 0.5)
