"""How good a model is on the test split: once, at the end, as the server would score."""

import logging

import mlflow
import numpy as np

from sentiment import evaluation, prepared, tracking
from sentiment.prepared import Prepared
from sentiment.reviews.batch import TEST
from sentiment.scorer import Scorer
from sentiment.settings import EvaluateSettings
from sentiment.steps.prepare import PreparedRun
from sentiment.steps.train import TrainedRun

log = logging.getLogger(__name__)


def run(data: PreparedRun, trained: TrainedRun, parent: str) -> dict[str, float]:
    """Scores the raw texts of the test split with `model.h5`; returns and logs `test_...`."""
    settings = EvaluateSettings(prepared=data.run_id, run=trained.run_id)
    read = prepared.read(data.path)
    with tracking.step_run("evaluate", settings, parent, prepared_run_id=data.run_id, data_fingerprint=read.data_fingerprint):
        found = test_metrics(Scorer(trained.path), read)
        mlflow.log_metrics(found)
    log.info("evaluate: test accuracy %.3f, AUC %.3f", found["test_accuracy"], found["test_auc"])
    return found


def test_metrics(scorer: Scorer, data: Prepared) -> dict[str, float]:
    labels = data.labels[data.rows(TEST)].astype(np.int64)
    return evaluation.prefixed("test", evaluation.measure(labels, scorer.score(data.test_texts)))
