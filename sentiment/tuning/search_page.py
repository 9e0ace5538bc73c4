"""A study as one page of pictures to explore, which needs no other file and no network."""

import optuna
from optuna import visualization
from optuna.trial import TrialState


def page(study: optuna.Study, metric: str) -> str:
    """HTML: history, importance, slices and parallel coordinates, as far as the trials suffice for them."""
    completed = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    searched = {name for trial in completed for name in trial.params}
    figures = []
    if completed:
        figures.append(visualization.plot_optimization_history(study, target_name=metric))
    if len(completed) > 1 and searched:
        if len({trial.value for trial in completed}) > 1:
            figures.append(visualization.plot_param_importances(study, target_name=metric))
        figures.append(visualization.plot_slice(study, target_name=metric))
        figures.append(visualization.plot_parallel_coordinate(study, target_name=metric))
    parts = [figure.to_html(full_html=False, include_plotlyjs=place == 0) for place, figure in enumerate(figures)]
    head = f"<!doctype html><html><head><meta charset='utf-8'><title>{study.study_name}</title></head>"
    return f"{head}<body>{''.join(parts) or 'No trial is complete yet.'}</body></html>"
