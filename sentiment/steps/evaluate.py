"""How good a model is on the test split: once, at the end, as the server would score."""

import logging

import numpy as np

from sentiment import tracking
from sentiment.evaluation import examples, metrics
from sentiment.evaluation.evaluated import Evaluated
from sentiment.evaluation.scored import MODEL, NETWORK, NGRAMS, Scored, probabilities
from sentiment.model.scorer import Scorer
from sentiment.plots import scores, style
from sentiment.preparation import prepared
from sentiment.preparation.prepared import Prepared
from sentiment.reviews.batch import TEST
from sentiment.settings import EvaluateSettings
from sentiment.steps.prepared_runs import PreparedRun
from sentiment.steps.train import TrainedRun
from sentiment.tracking import descriptions

WRONG, RIGHT = 50, 3  # reviews that are shown; of the right ones, of each label
TABLE = "most_wrong.json"
log = logging.getLogger(__name__)


def run(data: PreparedRun, trained: TrainedRun, parent: str) -> Evaluated:
    """Scores the raw texts of the test split with `model.h5`; logs the metrics, plots, and a table of the most wrong reviews."""
    settings = EvaluateSettings(prepared=data.run_id, run=trained.run_id)
    read = prepared.read(data.path)
    with tracking.step_run("evaluate", settings, parent, prepared_run_id=data.run_id, data_fingerprint=read.data_fingerprint) as active:
        active.log_datasets(tracking.split_datasets(read, data.reviews, "test"))
        active.measure_model_of(trained.run_id)
        scorer = Scorer(trained.path)
        scored = score(scorer, read)
        measured = test_metrics(scored)
        active.log_metrics(measured)
        active.set_tags({tracking.NOTE: descriptions.evaluated(measured, len(read.test_texts))})
        active.log_plots(style.pngs(scores.every(scored)))
        wrong, right = (
            choose(scorer, read.test_texts, scored, count) for choose, count in ((examples.most_wrong, WRONG), (examples.most_right, RIGHT))
        )
        active.log_table(examples.table(wrong, scorer.model.label_names), TABLE)
    parts = "".join(f", {part} alone {measured[name]:.3f}" for part in (NETWORK, NGRAMS) if (name := f"test_accuracy_{part}") in measured)
    log.info("evaluate: test accuracy %.3f%s, AUC %.3f", measured["test_accuracy"], parts, measured["test_auc"])
    return Evaluated(measured, scored, wrong, right)


def score(scorer: Scorer, data: Prepared) -> Scored:
    """The test split's reviews."""
    rows = data.rows(TEST)
    parts = probabilities(scorer, data.test_texts, "evaluate")
    return Scored("test", data.labels[rows].astype(np.int64), data.words.take(rows).lengths, parts, scorer.threshold)


def test_metrics(scored: Scored) -> dict[str, float]:
    """`test_...` of the model, with the interval of its accuracy, and the accuracies of its parts by themselves."""
    labels = scored.labels
    low, high = metrics.accuracy_interval(labels, scored.scores, scored.threshold)
    measured = metrics.measure(labels, scored.scores, scored.threshold) | {"accuracy_low": low, "accuracy_high": high}
    measured |= {f"accuracy_{part}": metrics.accuracy(labels, each) for part, each in scored.parts.items() if part != MODEL}
    return metrics.prefixed("test", measured)
