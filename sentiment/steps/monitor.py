"""Whether texts are still like those that a model was validated on, and whether it is still as right."""

import logging
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from sentiment import tracking
from sentiment.batch_scoring.scored_tables import NO_LABEL, Part, ScoredTable, find_tables, open_scored
from sentiment.errors import StepError, UserError
from sentiment.evaluation import comparison, drift, metrics
from sentiment.evaluation.drift import Drift
from sentiment.evaluation.paired import right
from sentiment.model import reference
from sentiment.model.reference import Reference
from sentiment.model.scorer import Scorer
from sentiment.plots import style
from sentiment.plots.drift import shares
from sentiment.progress import Bar
from sentiment.registry import find_model, lineage
from sentiment.settings import MonitorSettings
from sentiment.tracking import commands

CHECKED, ALLOWED = 100, 0.01  # scores of a table that are compared with the model's own, and by how much these may differ
PICTURE = "drift.png"
NAMES = {"scores": "scores", "lengths": "lengths", "unknown": "unknown words"}
log = logging.getLogger(__name__)


def run(settings: MonitorSettings, opening: str = "monitor") -> None:
    """Logs how unlike the validation reviews the texts are, and with labels how right the model is.

    opening: what is done, which the model's data are added to, and printed.

    Raises:
        UserError: There is no such table or model, the model has no reference, or the scores are not the model's.
        StepError: A stability index is over the limit by more than chance, or the accuracy is less than on the validation reviews.
    """
    tables = [open_scored(path, settings) for path in find_tables(settings.input)]
    scorer = Scorer(find_model.find(settings.model))
    validated = _reference(scorer, settings)
    _check_scores(tables, scorer, settings)
    log.info("%s, with %s", opening, lineage.describe(settings.model, scorer.model.data_fingerprint))
    for table in tables:
        columns = {"text": table.text, "scores": table.score, "labels": table.label}
        used = ", ".join(f"{name} in {column}" for name, column in columns.items() if column)
        log.info("monitor: reading %s: %s, %s", table.path.name, table.rows.reading, used)
    readings = "; ".join(dict.fromkeys(table.rows.reading for table in tables))
    tags = {"reading": readings, "data_fingerprint": scorer.model.data_fingerprint}
    with tracking.step_run("monitor", settings, **tags) as active, tracking.work_folder() as folder:
        values, labels, bad = _read(tables, scorer)
        drifts = drift.from_reference(validated, values)
        measured = _accuracy(values["scores"], labels, validated, scorer.threshold)
        active.log_metrics({"texts": len(labels), "rows_bad": bad} | _metrics(drifts) | measured)
        (folder / PICTURE).write_bytes(style.png(shares(drifts)))
        active.log_file(folder / PICTURE)
        _log_summary(drifts, measured, len(labels), bad, settings)
        problems = _problems(drifts, measured, settings.limit)
        outcome = "; ".join(problems) or "passed"
        note = f"{len(labels):,} texts of `{Path(settings.input).name}` against those that the model was validated on: {outcome}."
        active.set_tags({"monitor": outcome, tracking.NOTE: note})
        if problems:
            commands.log_next_steps(commands.open_page(commands.run_page(active.info)))
            raise StepError(
                f"The texts, or what the model makes of them, are not as on validation. {'; '.join(problems)}. "
                f"See run {active.info.run_id}; if such texts and labels are what comes now, train on some of them."
            )
    by_chance = any(each.psi > settings.limit for each in drifts.values())
    log.info("monitor: %s the limit, %g (run %s)", "by chance over" if by_chance else "within", settings.limit, active.info.run_id)
    commands.log_next_steps(commands.open_page(commands.run_page(active.info)))


def _reference(scorer: Scorer, settings: MonitorSettings) -> Reference:
    if scorer.model.reference is None:
        raise UserError(
            f"The model has no reference to compare with: it is of an earlier version, or imported. Received: model={settings.model}. "
            "Train it again: mlflow run . -e train."
        )
    return scorer.model.reference


def _check_scores(tables: list[ScoredTable], scorer: Scorer, settings: MonitorSettings) -> None:
    """That the first rows of each can be read, and their scores are the model's; and that there are any."""
    firsts = [(table, part) for table in tables for part in islice(table.read(lambda size: None), 1) if part.texts]
    if not firsts:
        raise UserError(
            f"There is nothing to monitor. Received: input={settings.input}, whose first rows have no text. Give a table of texts."
        )
    for table, part in firsts:
        differences = np.abs(scorer.score(part.texts[:CHECKED]) - part.scores[:CHECKED]) if part.scores is not None else np.zeros(1)
        if differences.max() > ALLOWED:
            raise UserError(
                f"The scores are not this model's. Received: {table.path}, column {table.score}, up to {differences.max():.2f} "
                f"from those of model={settings.model}. Name the model that scored, or say score_column=none: the texts are scored anew."
            )


def _read(tables: list[ScoredTable], scorer: Scorer) -> tuple[dict[str, np.ndarray], np.ndarray, int]:
    """The measures of each text, by name; its label, or NO_LABEL; and how many rows are bad."""
    with Bar("monitor", sum(table.path.stat().st_size for table in tables), "bytes") as bar:
        parts = [(part, _measures(part, scorer)) for table in tables for part in table.read(bar.advance)]
    values = {name: np.concatenate([measures[name] for _, measures in parts]) for name in reference.MEASURES}
    return values, np.concatenate([part.labels for part, _ in parts]), sum(part.bad for part, _ in parts)


def _measures(part: Part, scorer: Scorer) -> dict[str, np.ndarray]:
    encoder = scorer.model.encoder
    numbers = encoder.number(part.texts)
    scores = scorer.score_ids(encoder.encode_numbers(numbers)) if part.scores is None else part.scores
    return {"scores": scores, **reference.of_words(numbers, len(encoder.vocabulary))}


def _accuracy(scores: np.ndarray, labels: np.ndarray, validated: Reference, threshold: float) -> dict[str, float]:
    """Of the texts that have a label; nothing, if none has."""
    known = labels != NO_LABEL
    if not known.any():
        return {}
    count, correct = int(known.sum()), int(right(labels[known], scores[known], threshold).sum())
    share = comparison.share(correct, count)
    measured = {"labelled": float(count), "accuracy": share.value, "accuracy_low": share.low, "accuracy_high": share.high}
    measured |= {"validation_accuracy": validated.right / validated.reviews, "accuracy_p": drift.less_accurate(correct, count, validated)}
    if len(np.unique(labels[known])) == 2:
        measured["auc"] = metrics.ranking(labels[known], scores[known])[0]
    return measured


def _metrics(drifts: dict[str, Drift]) -> dict[str, float]:
    figures = {"psi": "psi", "psi_by_chance": "chance", "ks": "ks", "ks_p": "p"}
    return {f"{figure}_{name}": getattr(each, field) for name, each in drifts.items() for figure, field in figures.items()}


def _problems(drifts: dict[str, Drift], measured: dict[str, float], limit: float) -> list[str]:
    over = [f"PSI of {NAMES[name]} {each.psi:.3f}, over {limit:g}" for name, each in drifts.items() if each.psi > max(limit, each.chance)]
    if measured and measured["accuracy_p"] < metrics.SIGNIFICANCE:
        over.append(
            "accuracy {accuracy:.3f}, where it was {validation_accuracy:.3f} on validation, p = {accuracy_p:.2g}".format(**measured)
        )
    return over


def _log_summary(drifts: dict[str, Drift], measured: dict[str, float], texts: int, bad: int, settings: MonitorSettings) -> None:
    log.info("monitor: %s texts%s", f"{texts:,}", f"; {bad:,} rows without a text or a score are left out" if bad else "")
    rows = [
        {
            "": NAMES[name],
            "PSI": f"{each.psi:.3f}",
            "by chance up to": f"{each.chance:.3f}",
            "KS": f"{each.ks:.3f}",
            "p": f"{each.p:.2g}",
        }
        for name, each in drifts.items()
    ]
    log.info("%s", pd.DataFrame(rows).to_string(index=False))
    for name, each in drifts.items():
        if settings.limit < each.psi <= each.chance:
            log.info(
                "monitor: the PSI of %s is over %g, which chance explains with so few texts: give more to be sure",
                NAMES[name],
                settings.limit,
            )
    if measured:
        interval = "accuracy {accuracy:.3f} ({accuracy_low:.3f}–{accuracy_high:.3f}) of {labelled:,.0f} labelled texts"
        log.info("monitor: %s", f"{interval}; on validation {{validation_accuracy:.3f}}".format(**measured))
