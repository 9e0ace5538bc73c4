"""How good a model is on the test split: once, at the end, as the server would score."""

import logging

import numpy as np
from scipy.special import expit

from sentiment import tracking
from sentiment.evaluation import metrics
from sentiment.model.scorer import Scorer
from sentiment.preparation import prepared
from sentiment.preparation.prepared import Prepared
from sentiment.registry import lineage
from sentiment.reviews.batch import TEST
from sentiment.settings import EvaluateSettings
from sentiment.steps.prepare import PreparedRun
from sentiment.steps.train import TrainedRun
from sentiment.tracking import descriptions

PARTS = ("network", "ngrams")
log = logging.getLogger(__name__)


def run(data: PreparedRun, trained: TrainedRun, parent: str) -> dict[str, float]:
    """Scores the raw texts of the test split with `model.h5`; returns and logs `test_...`."""
    settings = EvaluateSettings(prepared=data.run_id, run=trained.run_id)
    read = prepared.read(data.path)
    with tracking.step_run("evaluate", settings, parent, prepared_run_id=data.run_id, data_fingerprint=read.data_fingerprint) as active:
        active.log_datasets(tracking.split_datasets(read, lineage.reviews_of(data.run_id), "test"))
        active.measure_model_of(trained.run_id)
        found = test_metrics(Scorer(trained.path), read)
        active.log_metrics(found)
        active.set_tags({descriptions.NOTE: descriptions.evaluated(found, len(read.test_texts))})
    parts = "".join(f", {part} alone {found[name]:.3f}" for part in PARTS if (name := f"test_accuracy_{part}") in found)
    log.info("evaluate: test accuracy %.3f%s, AUC %.3f", found["test_accuracy"], parts, found["test_auc"])
    return found


def test_metrics(scorer: Scorer, data: Prepared) -> dict[str, float]:
    """`test_...` of the model, and the accuracies of its parts by themselves."""
    labels = data.labels[data.rows(TEST)].astype(np.int64)
    outputs = scorer.parts(data.test_texts)
    found = metrics.prefixed("test", metrics.measure(labels, outputs.pop("score")))
    parts = {name.removesuffix("_logit"): expit(logits) for name, logits in outputs.items()}
    return found | {f"test_accuracy_{part}": metrics.accuracy(labels, scores) for part, scores in parts.items()}
