"""The report of what `main` or `tune` made, from what their steps returned."""

import mlflow
import optuna

from sentiment import tracking
from sentiment.evaluation.evaluated import Evaluated
from sentiment.preparation.prepared import Prepared
from sentiment.report import report
from sentiment.report.facts import Facts
from sentiment.settings import TrainSettings
from sentiment.steps.prepared_runs import PreparedRun
from sentiment.steps.train import TrainedRun


def page(
    step: str,
    parent: str,
    settings: TrainSettings,
    data: Prepared,
    prepared: PreparedRun,
    trained: TrainedRun,
    evaluated: Evaluated,
    study: optuna.Study | None = None,
    metric: str = "",
) -> str:
    """HTML. settings: of the training; study, metric: of tune."""
    registered = tracking.children(parent, "register")
    facts = Facts(
        step,
        parent,
        trained.run_id,
        mlflow.get_run(prepared.run_id).data.params,
        settings,
        data,
        trained.trained,
        trained.epochs,
        evaluated,
        dict(registered[0].data.tags) if registered else {},
        study,
        metric,
    )
    return report.page(facts)
