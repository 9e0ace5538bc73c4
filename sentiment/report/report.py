"""The report of a model, as one page."""

import time
from dataclasses import fields
from typing import Any

from sentiment.evaluation.examples import Example
from sentiment.report import card, drawn, marking, search_page
from sentiment.report.facts import Facts, differing, results
from sentiment.report.pages import percent, render
from sentiment.settings import NGRAMS_ALONE, PrepareSettings, TrainSettings, as_text, parameters

FILE = "report.html"
WRONG = 6  # examples
LABELS = ("negative", "positive")


def page(facts: Facts) -> str:
    """HTML that needs no other file and no network."""
    wrong = int((~facts.test.right).sum())
    kind = "n-grams alone" if facts.train.architecture == NGRAMS_ALONE else f"{facts.train.architecture} on {facts.train.backend}"
    low, high = facts.interval
    return render(
        "report.html.jinja",
        title=f"Sentiment model: {kind}",
        about=f"{facts.step}, {time.strftime('%Y-%m-%d %H:%M')}, run {facts.run_id}",
        count=len(facts.test.labels),
        correct=len(facts.test.labels) - wrong,
        accuracy=facts.evaluated.metrics["test_accuracy"],
        low=low,
        high=high,
        guessing=facts.guessing,
        tiles=_tiles(facts),
        source=facts.preparation["reviews"],
        labelled=int((facts.data.labels >= 0).sum()),
        words=len(facts.data.encoder.vocabulary),
        splits=facts.splits(),
        split_method=facts.data.split_method,
        settings=_settings(facts),
        search=_search(facts),
        combination=facts.trained.note,
        results=results(facts.test),
        validation=results(facts.trained.validation) if facts.trained.validation else [],
        threshold_is_chosen=facts.threshold_is_chosen,
        registered=facts.registered if "gate" in facts.registered else None,
        figures=drawn.of_training(facts.epochs, int(facts.trained.summary.get("best_epoch", 0))) + drawn.of_scores(facts.test),
        wrong=[_example(each) for each in facts.evaluated.wrong[:WRONG]],
        more_wrong=wrong - WRONG,
        right=[_example(each) for each in facts.evaluated.right],
        champion=facts.is_champion,
        environment=card.environment(),
        usage=card.usage(facts),
        footer=f"Train run {facts.train_run_id}, data {facts.data.data_fingerprint}.",
        **card.cautions(facts),
    )


def _tiles(facts: Facts) -> list[tuple[str, str, str]]:
    """What is said large: a name, a figure, and what goes with it."""
    measured, (low, high) = facts.evaluated.metrics, facts.interval
    positive = int(facts.test.labels.sum())
    state = f"version {facts.registered['model_version']}" if "model_version" in facts.registered else "not registered"
    return [
        ("Test accuracy", percent(measured["test_accuracy"]), f"95\u202f% interval {percent(low)} to {percent(high)}"),
        ("Area under ROC", f"{measured['test_auc']:.3f}", "0.5 is guessing, 1 is perfect"),
        ("Calibration error", f"{measured['test_ece']:.3f}", f"Brier score {measured['test_brier']:.3f}"),
        ("Test reviews", f"{len(facts.test.labels):,}", f"{positive:,} positive, {len(facts.test.labels) - positive:,} negative"),
        ("Registry", "champion" if facts.is_champion else "no champion", state),
    ]


def _settings(facts: Facts) -> list[dict[str, str]]:
    trained = {f.name: as_text(getattr(facts.train, f.name)) for f in parameters(TrainSettings)}
    defaults = {f.name: as_text(f.default) for kind in (PrepareSettings, TrainSettings) for f in fields(kind)}
    return differing(facts.preparation | trained, defaults | {"prepared": trained["prepared"]})


def _search(facts: Facts) -> dict[str, Any] | None:
    if facts.study is None:
        return None
    trials = facts.study.get_trials(deepcopy=False)
    return {"lead": search_page.lead(facts.study, facts.metric), "figures": search_page.overview(trials, facts.metric)}


def _example(each: Example) -> dict[str, Any]:
    verdict = f"is {LABELS[each.label]}, scores {each.score:.3f}"
    return {"verdict": verdict, "length": f"{each.length:,}", "pieces": marking.segments(each)}
