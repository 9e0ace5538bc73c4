"""A study as one page: history, training time, importance, parallel coordinates, slices and all trials, as far as these suffice."""

import optuna
from optuna.trial import FrozenTrial, TrialState

from sentiment.plots import search
from sentiment.report.drawn import Drawn, draw
from sentiment.report.pages import render

SHOWN = 200  # trials in the table
PRUNED = "Pruned trials are where their last epoch was."


def page(study: optuna.Study, metric: str) -> str:
    """HTML that needs no other file and no network."""
    trials = study.get_trials(deepcopy=False)
    done = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    names = sorted({name for trial in done for name in trial.params})
    parameters, note = _parameters(study, trials, names, metric) if len(done) > 1 and names else ([], "")
    return render(
        "search.html.jinja",
        title=f"Search {study.study_name}",
        study=study.study_name,
        lead=lead(study, metric),
        metric=metric,
        figures=overview(trials, metric) if done else [],
        note=note,
        parameters=parameters,
        trials=_rows(trials, metric),
    )


def _parameters(study: optuna.Study, trials: list[FrozenTrial], names: list[str], metric: str) -> tuple[list[Drawn], str]:
    """What the metric depends on, and what is to be said of that."""
    differ = len({trial.values[0] for trial in trials if trial.state == TrialState.COMPLETE}) > 1
    shares = _importances(study) if differ else {}
    figures = [draw(search.importance(shares), "What the differences between the complete trials come from (fANOVA).")] if shares else []
    figures += [draw(search.slice_of(trials, name, metric)) for name in names]
    figures.append(
        draw(search.parallel(trials, metric), "A line is a complete trial: blue the best, orange the worst." if differ else "", wide=True)
    )
    return figures, "" if differ else "All complete trials came out the same, so which parameters matter can't be said."


def overview(trials: list[FrozenTrial], metric: str) -> list[Drawn]:
    """History, and training time against quality."""
    caption = PRUNED if any(trial.state == TrialState.PRUNED for trial in trials) else ""
    return [draw(plot(trials, metric), caption) for plot in (search.history, search.effort)]


def lead(study: optuna.Study, metric: str) -> str:
    """How many trials there are, and which was best, in a sentence."""
    states = [trial.state for trial in study.get_trials(deepcopy=False)]
    complete, pruned, failed = (states.count(state) for state in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL))
    counts = f"{complete} trials complete, {pruned} pruned, {failed} failed."
    if not complete:
        return f"{counts} No trial is complete yet."
    best = study.best_trial
    return f"{counts} The best is trial {best.number}, with {metric} {best.values[0]:.4f}{_values(best)}."


def _values(trial: FrozenTrial) -> str:
    return "".join(f", {name} {_shown(value)}" for name, value in trial.params.items())


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _importances(study: optuna.Study) -> dict[str, float]:
    """Nothing where they are not defined: the trials are too few, or no parameter is one of all of them."""
    try:
        shares = optuna.importance.get_param_importances(study, evaluator=optuna.importance.FanovaImportanceEvaluator(seed=0))
    except (ValueError, RuntimeError):
        return {}
    return shares if any(shares.values()) else {}


def _rows(trials: list[FrozenTrial], metric: str) -> list[dict[str, str]]:
    """The complete trials, the best first, and then the others."""
    lower = metric.endswith("loss")
    names = sorted({name for trial in trials for name in trial.params})
    done = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    others = [trial for trial in trials if trial.state != TrialState.COMPLETE]
    ordered = sorted(done, key=lambda trial: trial.values[0] if lower else -trial.values[0]) + others
    return [
        {
            "trial": str(trial.number),
            "state": trial.state.name.lower(),
            metric: f"{trial.values[0]:.4f}" if trial.values else "",
            "seconds": f"{trial.duration.total_seconds():.1f}" if trial.duration else "",
        }
        | {name: _shown(trial.params.get(name, "")) for name in names}
        for trial in ordered[:SHOWN]
    ]
