"""Models side by side, on the test texts of the data that all of them were trained on. Nothing is chosen here."""

import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run

from sentiment import tracking
from sentiment.backends import interpreters
from sentiment.errors import UserError
from sentiment.evaluation import comparison
from sentiment.evaluation.comparison import Candidate, Comparison, Quality
from sentiment.evaluation.scored import probabilities
from sentiment.model.scorer import Scorer
from sentiment.preparation import prepared
from sentiment.preparation.prepared import Prepared
from sentiment.registry import find_model, lineage
from sentiment.report import comparison_page
from sentiment.report.pages import duration, p_value, size
from sentiment.reviews.batch import TEST
from sentiment.settings import CompareSettings, TrainSettings, parameters
from sentiment.steps import prepared_runs, train
from sentiment.steps.prepared_runs import FILE as PREPARED
from sentiment.tracking import commands, datasets, descriptions

PARENTS = ("main", "tune")  # the steps under whose runs there is one of train
TABLES = ("comparison", "pairs")
PAGE = "comparison.html"
log = logging.getLogger(__name__)


def run(settings: CompareSettings) -> None:
    """Logs a page and two tables: each model, and each pair of them. With `backends`, these are trained first, as children of the run.

    Raises:
        UserError: There are not two such runs, they are of different data, or a model or the test texts are gone.
    """
    backends = _backends(settings)
    runs = [] if backends else _runs(settings.runs)
    models = [(run, *_scorer(tracking.artifact(run, find_model.FILE))) for run in runs]
    prepared_run_id, data = _data(runs, settings)
    tags = {"prepared_run_id": prepared_run_id, "data_fingerprint": data.data_fingerprint}
    reviews = lineage.reviews_of(prepared_run_id) or "reviews that are not known here"
    with tracking.step_run("compare", settings, **tags) as active, tracking.work_folder() as folder:
        active.log_datasets(tracking.split_datasets(data, reviews, "test"))
        for number, name in enumerate(backends, 1):
            log.info("compare: training on %s, %d of %d", name, number, len(backends))
            trained = train.run(TrainSettings(prepared=prepared_run_id, backend=name), active.info.run_id)
            models.append((mlflow.get_run(trained.run_id), *_scorer(trained.path)))
        labels = data.labels[data.rows(TEST)].astype(np.int64)
        names = _names([run for run, _, _ in models])
        candidates = [_candidate(name, *model, data.test_texts) for name, model in zip(names, models, strict=True)]
        made = comparison.compare(labels, candidates)
        active.set_tags(
            {
                "compared_run_ids": ",".join(candidate.run_id for candidate in candidates),
                tracking.NOTE: descriptions.compared(made, PAGE),
            }
        )
        active.log_metrics(_metrics(made))
        for name, rows in zip(TABLES, ([model.row() for model in made.models], [asdict(pair) for pair in made.pairs]), strict=True):
            table = pd.DataFrame(rows)
            active.log_text(table.to_csv(index=False), f"{name}.csv")
            active.log_table(table, f"{name}.json")
        about = {"reviews": reviews, "fingerprint": data.data_fingerprint, "run_id": active.info.run_id, "where": tracking.redacted_uri()}
        (folder / PAGE).write_text(comparison_page.page(made, **about), encoding="utf-8")
        active.log_file(folder / PAGE)
    _log_summary(made, data.data_fingerprint, _page_location(active.info.run_id))
    commands.log_next_steps(commands.open_page(commands.run_page(active.info)))


def _backends(settings: CompareSettings) -> list[str]:
    """Those to train on; none, if runs are compared that there are."""
    if settings.backends == "none":
        return []
    received = f"Received: backends={settings.backends}"
    if settings.runs != "newest":
        raise UserError(f"Either runs are compared, or backends are trained. {received}, runs={settings.runs}. Leave one of the two out.")
    backends = interpreters.parse_names(settings.backends)
    if len(backends) < 2:
        raise UserError(
            f"At least two backends are needed to compare. {received}, which is {', '.join(backends)}. "
            "Name two, or install another: make install BACKEND=jax"
        )
    return backends


def _runs(names: str) -> list[Run]:
    """The runs that the parameter names, each once; for a main or tune run the train run under it.

    Raises:
        UserError: There are fewer than two, or one has no model.
    """
    if names == "newest":
        runs = _newest()
        advice = "Train on another backend, or all of them first: mlflow run . -e compare -P backends=all"
    else:
        named = [_with_model(run_id.strip()) for run_id in names.split(",")]
        runs = list({run.info.run_id: run for run in named}.values())
        advice = "Give the ids of two or more, with commas between."
    if len(runs) < 2:
        raise UserError(f"At least two runs are needed to compare. Received: runs={names}, which is {runs[0].info.run_id}. {advice}")
    return runs


def _newest() -> list[Run]:
    """Of each backend, the newest train run on the data of the newest one of all."""
    newest = find_model.newest_run("runs=newest")
    runs = tracking.find_runs("train", most=1000, data_fingerprint=newest.data.tags["data_fingerprint"])
    first: dict[str, Run] = {}
    for run in runs:
        first.setdefault(run.data.params["backend"], run)
    return [first[name] for name in interpreters.ALL if name in first]


def _with_model(run_id: str) -> Run:
    run = tracking.get_run(run_id, "runs", *find_model.STEPS, *PARENTS)
    if run.data.tags["step"] not in PARENTS:
        return run
    trained = tracking.children(run_id, "train")
    if not trained:
        raise UserError(f"The run has trained no model. Received: runs={run_id}. Give a run that finished.")
    return trained[0]


def _data(runs: list[Run], settings: CompareSettings) -> tuple[str, Prepared]:
    """The prepare run whose test texts are scored, and its data: that of the runs, or the newest, if there are none yet."""
    if runs:
        prepared_run_id = _prepared_run(runs)
        path = tracking.artifact(prepared_run_id, PREPARED)
    else:
        newest = prepared_runs.find("latest")
        path, prepared_run_id = newest.path, newest.run_id
    data = prepared.read(path)
    if not data.test_texts:
        received = f"runs={settings.runs}" if runs else f"backends={settings.backends}"
        raise UserError(f"The data has no test split. Received: {received}. Prepare with test_fraction over 0.")
    return prepared_run_id, data


def _prepared_run(runs: list[Run]) -> str:
    """The id of one that has the data of all the runs."""
    fingerprints = {run.info.run_id: run.data.tags.get("data_fingerprint", "") for run in runs}
    if len(set(fingerprints.values())) > 1:
        received = ", ".join(f"{run_id} of data {fingerprint[: datasets.DIGITS]}" for run_id, fingerprint in fingerprints.items())
        raise UserError(
            f"The runs are of different data. Received: runs={received}. Give runs whose tags data_fingerprint are equal, "
            "or train on the same: mlflow run . -e compare -P backends=all"
        )
    (fingerprint,) = set(fingerprints.values())
    named = [run.data.tags["prepared_run_id"] for run in runs if "prepared_run_id" in run.data.tags]
    candidates = named or [run.info.run_id for run in tracking.find_runs("prepare", data_fingerprint=fingerprint)]
    if not candidates:
        raise UserError(
            f"No prepare run has the data of these runs, so the test texts can't be had. Received: runs={','.join(fingerprints)}. "
            "Prepare the same reviews again: mlflow run . -e prepare -P reviews=FILE."
        )
    return str(candidates[0])


def _names(runs: list[Run]) -> list[str]:
    """As short as they can be with all of them different."""
    backends = [run.data.params.get("backend", "imported") for run in runs]
    kinds = [f"{backend} {run.data.params.get('architecture', '')}".strip() for backend, run in zip(backends, runs, strict=True)]
    full = [f"{kind} {run.info.run_id[:8]}" for kind, run in zip(kinds, runs, strict=True)]
    return next((names for names in (backends, kinds) if len(set(names)) == len(runs)), full)


def _scorer(path: Path) -> tuple[Scorer, int]:
    """The model in a file, and the file's bytes."""
    return Scorer(path), path.stat().st_size


def _candidate(name: str, run: Run, scorer: Scorer, model_bytes: int, texts: list[str]) -> Candidate:
    parts = probabilities(scorer, texts, f"compare: {name}")
    shown = {parameter.name for parameter in parameters(TrainSettings)} - {"prepared"} | {"device"}
    speeds = [metric.value for metric in MlflowClient().get_metric_history(run.info.run_id, "tokens_per_second")]
    trained = run.data.tags["step"] == "train" and run.info.end_time
    return Candidate(
        name=name,
        run_id=run.info.run_id,
        settings={parameter: value for parameter, value in run.data.params.items() if parameter in shown},
        parts=parts,
        seconds=(run.info.end_time - run.info.start_time) / 1000 if trained else None,
        tokens_per_second=float(np.median(speeds)) if speeds else None,
        model_bytes=model_bytes,
        parameters=sum(array.size for arrays in scorer.model.weights.values() for array in arrays),
        threshold=scorer.threshold,
    )


def _metrics(made: Comparison) -> dict[str, float]:
    """A metric for each figure of each model and each pair: `figure/names`, which MLflow shows grouped by figure."""
    figures: dict[str, Any] = {}
    for model in made.models:
        measured = {name: value for name, value in model.row().items() if isinstance(value, float | int)}
        figures |= {f"{name}/{model.candidate.name}": value for name, value in measured.items()}
    for pair in made.pairs:
        names = f"{pair.one} - {pair.other}"
        figures |= {f"accuracy_difference/{names}": pair.difference, f"p/{names}": pair.p, f"largest_score_difference/{names}": pair.scores}
    return figures


def _log_summary(made: Comparison, fingerprint: str, page: str) -> None:
    log.info("compare: %s test texts of data %s; accuracies with intervals of 95 %%", f"{made.texts:,}", fingerprint[: datasets.DIGITS])
    table = pd.DataFrame([_shown(model) for model in made.models])
    log.info("%s", table.to_string(index=False))
    for pair in made.pairs[: descriptions.MOST_PAIRS]:
        log.info(
            "compare: %s and %s: accuracy %+.3f, p %s (McNemar), scores differ by %.2g at most",
            pair.one, pair.other, pair.difference, p_value(pair.p), pair.scores,
        )  # fmt: skip
    log.info("compare: nothing is chosen on the test texts. The page: %s", page)


def _shown(model: Quality) -> dict[str, str]:
    """A row of the terminal's table."""
    candidate, whole = model.candidate, model.accuracy["model"]
    alone = {part: f"{share.value:.3f}" if share else "–" for part in ("network", "ngrams") for share in (model.accuracy.get(part),)}
    speed = candidate.tokens_per_second
    return {
        "run": candidate.name,
        "accuracy": f"{whole.value:.3f} ({whole.low:.3f}–{whole.high:.3f})",
        **alone,
        "AUC": f"{model.measures['auc']:.3f}",
        "training": "–" if candidate.seconds is None else duration(candidate.seconds),
        "tokens/s": "–" if speed is None else f"{speed:,.0f}",
        "model.h5": size(candidate.model_bytes),
    }


def _page_location(run_id: str) -> str:
    """Where the page can be opened: a file on this machine, or an address of the tracking server."""
    run = mlflow.get_run(run_id)
    if (run.info.artifact_uri or "").startswith(("/", "file:")):
        return str(tracking.artifact(run, PAGE))
    return f"{tracking.redacted_uri()}/#/experiments/{run.info.experiment_id}/runs/{run_id}/artifacts/{PAGE}"
