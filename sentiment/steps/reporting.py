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
        step=step,
        run_id=parent,
        train_run_id=trained.run_id,
        preparation=mlflow.get_run(prepared.run_id).data.params,
        train=settings,
        data=data,
        trained=trained.trained,
        epochs=trained.epochs,
        evaluated=evaluated,
        registered=dict(registered[0].data.tags) if registered else {},
        study=study,
        metric=metric,
    )
    return report.page(facts)
