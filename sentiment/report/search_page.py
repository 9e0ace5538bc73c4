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
    names = {name for trial in done for name in trial.params}
    figures, notes = list[Drawn](), list[str]()
    if done:
        figures += overview(trials, metric)
    if len(done) > 1 and names:
        shares = _importances(study, done)
        if shares:
            figures.append(draw(search.importance(shares), "What the differences between the complete trials come from (fANOVA)."))
        else:
            notes.append("Which parameters matter can't be said: all complete trials came out the same.")
        figures.append(draw(search.parallel(trials, metric), "A line is a complete trial: blue the best, orange the worst.", wide=True))
    slices = [draw(search.slice_of(trials, name, metric)) for name in sorted(names)] if len(done) > 1 else []
    rows = _rows(study, trials, metric)
    return render(
        "search.html.jinja",
        title=f"Search {study.study_name}",
        study=study.study_name,
        lead=lead(study, metric),
        metric=metric,
        figures=figures,
        notes=notes,
        slices=slices,
        trials=rows,
    )


def overview(trials: list[FrozenTrial], metric: str) -> list[Drawn]:
    return [draw(search.history(trials, metric), PRUNED), draw(search.effort(trials, metric), PRUNED)]


def lead(study: optuna.Study, metric: str) -> str:
    """How many trials there are, and which was best, in a sentence."""
    states = [trial.state for trial in study.get_trials(deepcopy=False)]
    complete, pruned, failed = (states.count(state) for state in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL))
    told = f"{complete} trials complete, {pruned} pruned, {failed} failed."
    if not complete:
        return f"{told} No trial is complete yet."
    best = study.best_trial
    return f"{told} The best is trial {best.number}, with {metric} {best.values[0]:.4f}{_values(best)}."


def _values(trial: FrozenTrial) -> str:
    return "".join(f", {name} {_shown(value)}" for name, value in trial.params.items())


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _importances(study: optuna.Study, done: list[FrozenTrial]) -> dict[str, float]:
    """Nothing where they are not defined."""
    if len({trial.values[0] for trial in done}) < 2:
        return {}
    try:
        return optuna.importance.get_param_importances(study, evaluator=optuna.importance.FanovaImportanceEvaluator(seed=0))
    except (ValueError, RuntimeError):  # no parameter that all have, or all trials with the same ones
        return {}


def _rows(study: optuna.Study, trials: list[FrozenTrial], metric: str) -> list[dict[str, str]]:
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
