"""A run's model into the registry, and past the gate to the alias that is served."""

import logging
from dataclasses import replace
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow.data.pandas_dataset import from_pandas
from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion
from mlflow.models import MetricThreshold, make_metric
from mlflow.models.evaluation import evaluator_registry  # noqa: F401 (before there are threads: see test_register.py)
from mlflow.models.evaluation.validation import ModelValidationFailedException

from sentiment import tracking
from sentiment.errors import UserError
from sentiment.model import many_texts
from sentiment.model.scorer import Scorer
from sentiment.model.threshold import is_positive
from sentiment.preparation import prepared
from sentiment.preparation.prepared import Prepared
from sentiment.registry import find_model, gate, golden, lineage, versions
from sentiment.registry.gate import GateResult
from sentiment.registry.golden import Golden
from sentiment.reviews.batch import TEST
from sentiment.settings import RegisterSettings
from sentiment.steps import import_model
from sentiment.steps.import_model import Imported
from sentiment.steps.prepared_runs import FILE as PREPARED
from sentiment.tracking import commands, descriptions

ATTEMPTS = 5
LOST = f"the champion changed {ATTEMPTS} times during the comparison"
ALREADY = "it is the champion already"
PREVIOUS = "previous_champion"
DATA_TAGS = ("prepared_run_id", "data_fingerprint")  # of the data that a candidate is measured on
MEASURING = ("evaluate", "register", "compare")  # the steps that look at the test split
# The one that is asked of MLflow's evaluator: with a type of model it would also draw, in another style than the other plots.
ACCURACY = make_metric(  # type: ignore[no-untyped-call]
    eval_fn=lambda predictions, targets: float((predictions == targets).mean()), greater_is_better=True, name="accuracy_score"
)
log = logging.getLogger(__name__)


def run(settings: RegisterSettings, parent: str | None = None) -> bool:
    """Registers the candidate; gives it the alias if the gate opens, or if forced. Returns whether it has the alias.

    Raises:
        UserError: There is no such run, or its test split can't be had, or there are no such golden texts.
    """
    if settings.run == "previous":
        _roll_back(settings)
        return True
    texts = golden.read(settings.golden)
    source = _find_source(settings)
    tags = {name: (source.data.tags if isinstance(source, Run) else source.tags)[name] for name in DATA_TAGS}
    data = _data(settings.run, tags["prepared_run_id"])
    with tracking.step_run("register", settings, parent, **tags) as active:
        candidate = source if isinstance(source, Run) else mlflow.get_run(import_model.track(source, active.info.run_id))
        path = tracking.artifact(candidate.info.run_id, find_model.FILE)
        scorer = Scorer(path)
        counting = texts.known_to(scorer.model.encoder)
        uses = 1 + sum(len(tracking.find_runs(step, most=10_000, data_fingerprint=data.data_fingerprint)) for step in MEASURING)
        active.set_tags({"test_split_uses": str(uses), "candidate_run_id": candidate.info.run_id})
        version = versions.version_of(candidate.info.run_id, settings.name)
        versions.tag(version, **lineage.tags(tags))
        verdict = _decide(settings, version, scorer, data, counting)
        decision = "passed" if verdict.passed else "forced" if settings.force and verdict.reason != LOST else "rejected"
        outcome = {"gate": decision, "gate_reason": verdict.reason, "test_split_uses": str(uses), "golden": counting.source}
        if counting.left_out:
            outcome["golden_left_out"] = "; ".join(counting.left_out)[:500]
        versions.tag(version, **{name: value for name, value in candidate.data.metrics.items() if name == import_model.DIFFERENCE})
        if verdict.reason != ALREADY:  # what made it the champion stays
            versions.tag(version, **outcome, **{f"gate_{name}": f"{value:g}" for name, value in verdict.measures.items()})
        note = descriptions.registered(settings.name, version.version, decision, verdict.reason, candidate.info)
        active.set_tags(outcome | {"model_version": version.version, tracking.NOTE: note})
        active.log_metrics(verdict.measures)
        reviews = lineage.reviews_of(tags["prepared_run_id"])
        versions.describe(version, descriptions.card(scorer.model, candidate, reviews, data, note), descriptions.MODEL)
    log.info("register: version %s of %s %s: %s", version.version, settings.name, decision, verdict.reason)
    if counting.left_out:
        known = f"{len(counting.pairs)} of {len(texts.pairs)}"
        log.info("register: the model knows the words of %s built-in golden pairs, which are about films; golden=FILE gives others", known)
    if decision == "rejected":
        _log_advice(settings, verdict, candidate.info.run_id)
    elif parent is None:
        model = f"models:/{settings.name}@{settings.alias}"
        commands.log_next_steps(
            (commands.serve(model), "it over HTTP"),
            (commands.entry_point("score", input="FILE", model=model), "a table of texts"),
        )
    return decision != "rejected"


def _log_advice(settings: RegisterSettings, verdict: GateResult, run_id: str) -> None:
    champion = versions.version_of_alias(settings.name, settings.alias)
    there = (
        f"Version {champion.version} is still the {settings.alias}" if champion else f"There is no {settings.alias}, for score and serve"
    )
    advice = f"{verdict.advice}. Or" if verdict.advice else "To"
    command = commands.entry_point("register", run=run_id, force="true")
    log.info("register: %s. %s take this one all the same: %s", there, advice, command)


def _decide(settings: RegisterSettings, version: ModelVersion, candidate: Scorer, data: Prepared, texts: Golden) -> GateResult:
    """Compares with the champion, and gives the alias. If another took it in the meantime, compares with that one."""
    labels = data.labels[data.rows(TEST)].astype(np.int64)
    outputs = many_texts.outputs(candidate, data.test_texts, "register: the candidate")
    guessing = _no_better_than_guessing(is_positive(outputs["score"], candidate.threshold), labels)
    taken = False
    for _ in range(ATTEMPTS):
        champion = versions.version_of_alias(settings.name, settings.alias)
        if champion and champion.version == version.version:
            return GateResult(True, ALREADY, {})
        rival = Scorer(find_model.find(f"models:/{settings.name}/{champion.version}")) if champion else None
        verdict = gate.judge(candidate, outputs, rival, data.test_texts, labels, texts)
        trained_on = champion.tags.get("data_fingerprint") if champion else None
        if champion and trained_on and trained_on != data.data_fingerprint:
            verdict = replace(verdict, reason=f"{verdict.reason}; the champion is of other data, {champion.tags['reviews']}")
        if guessing:
            verdict = GateResult(False, guessing, verdict.measures, gate.what_to_do(candidate, labels))
        if not (verdict.passed or settings.force):
            if taken:
                versions.delete_tag(version, PREVIOUS)
            return verdict
        now = versions.version_of_alias(settings.name, settings.alias)
        if (now and now.version) != (champion and champion.version):
            continue
        versions.tag(version, **{PREVIOUS: champion.version if champion else "none"})
        versions.set_alias(version, settings.alias)
        taken = True
        now = versions.version_of_alias(settings.name, settings.alias)
        if now and now.version == version.version:  # MLflow has no way to give it only if nobody else just did
            return verdict
    return GateResult(False, LOST, {}, "Try again")


def _no_better_than_guessing(positive: np.ndarray, labels: np.ndarray) -> str:
    """MLflow's own evaluation and validation: the accuracy must be over that of always saying the more frequent label.

    positive: what the model says, `<bool>[reviews]`; labels: 0 or 1, `<int64>[reviews]`.
    """
    table = pd.DataFrame({"label": labels, "prediction": positive.astype(int)})
    scored = from_pandas(table, name="test labels and predictions", targets="label", predictions="prediction")
    result = mlflow.models.evaluate(data=scored, extra_metrics=[ACCURACY])  # type: ignore[no-untyped-call]
    share = float(max(labels.mean(), 1 - labels.mean()))
    threshold = MetricThreshold(threshold=share, greater_is_better=True)  # type: ignore[no-untyped-call]
    try:
        mlflow.validate_evaluation_results({ACCURACY.name: threshold}, candidate_result=result)
    except ModelValidationFailedException:
        return f"accuracy {result.metrics[ACCURACY.name]:.4f} on the test split, where always guessing the same gives {share:.4f}"
    return ""


def _find_source(settings: RegisterSettings) -> Run | Imported:
    """The candidate's run, or the model of a file, which has no run yet. Both have DATA_TAGS.

    Raises:
        UserError: There is neither, or it is not known which data to measure it on.
    """
    file = Path(settings.run).expanduser()
    if file.is_file():
        return import_model.check(file, settings)
    candidate = _candidate(settings)
    if "prepared_run_id" not in candidate.data.tags:
        raise UserError(
            f"The run was trained on a file that no run has, so its test split can't be had. Received: run={candidate.info.run_id}. "
            "Train on the data of a prepare run."
        )
    tracking.artifact(candidate.info.run_id, find_model.FILE)
    return candidate


def _candidate(settings: RegisterSettings) -> Run:
    if settings.run != "best":
        return tracking.get_run(settings.run, "run", *find_model.STEPS, or_path=True)
    newest = find_model.newest_run("run=best")
    metric = f"model_{settings.metric}"
    runs = [run for run in _rivals(newest) if metric in run.data.metrics]
    if not runs:
        raise UserError(f"No train run on the newest data has {metric}. Received: run=best. Train again, or give the id of a run.")
    best = (min if settings.metric.endswith("loss") else max)(runs, key=lambda run: run.data.metrics[metric])
    log.info(
        "register: the best of %d, by %s %.4f: %s (run %s)",
        len(runs),
        metric,
        best.data.metrics[metric],
        best.info.run_name,
        best.info.run_id,
    )
    return best


def _rivals(newest: Run) -> list[Run]:
    """The train runs on the same reviews in the same splits: only their metrics compare."""
    return tracking.find_runs("train", most=10_000, data_fingerprint=newest.data.tags["data_fingerprint"])


def _data(received: str, run_id: str) -> Prepared:
    data = prepared.read(tracking.artifact(run_id, PREPARED))
    if not data.test_texts:
        raise UserError(f"The data has no test split. Received: run={received}. Prepare with test_fraction over 0.")
    return data


def _roll_back(settings: RegisterSettings) -> None:
    champion = versions.version_of_alias(settings.name, settings.alias)
    before = champion.tags.get(PREVIOUS, "none") if champion else "none"
    if champion is None or before == "none":
        raise UserError(f"There is no champion before the present one. Received: run=previous, name={settings.name}. Give the id of a run.")
    version = versions.find(f"models:/{settings.name}/{before}")
    if version is None:
        raise UserError(
            f"The champion before is there no more. Received: run=previous, name={settings.name}, version {before}. Give the id of a run."
        )
    with tracking.step_run("register", settings) as active:
        versions.tag(champion, gate="rolled back")
        versions.set_alias(version, settings.alias)
        note = f"Version {before} of `{settings.name}` is the {settings.alias} again, in place of version {champion.version}."
        active.set_tags({"gate": "rolled back", "model_version": before, tracking.NOTE: note})
    log.info("register: %s of %s is version %s again, in place of %s", settings.alias, settings.name, before, champion.version)
    commands.log_next_steps((commands.serve(f"models:/{settings.name}@{settings.alias}"), "over HTTP, once more"))
