"""What a run is, in Markdown, as MLflow shows it above its parameters: what was done, how good it is, what to do next."""

from collections.abc import Mapping
from typing import Any

from mlflow.entities import Run, RunInfo

from sentiment.evaluation.comparison import Comparison, Share
from sentiment.evaluation.metrics import wilson
from sentiment.model.model_file import ModelFile
from sentiment.preparation.prepared import Prepared
from sentiment.reviews.batch import TEST, TRAIN, UNLABELLED, VALIDATION
from sentiment.settings import KERAS_BACKENDS, LANGUAGE_MODEL, SIZES, TEACHER, VECTORS
from sentiment.tracking import commands
from sentiment.tracking.datasets import DIGITS
from sentiment.tracking.titles import network

MODEL = (
    "Tells whether a review is positive or negative: `reviewText` in, `label` and `score`, the probability of positive, out. "
    "The version with the alias `champion` is what `make serve` serves. The tags of a version say why it is the champion, or is not."
)
KEPT = (
    "MLflow shows `train_…` and `val_…` of the last epoch; those of the epoch that was kept are `network_val_…`, the model's `model_val_…`."
)
MOST_PAIRS = 6  # of models that are compared; the page has all
TITLES = {backend.name: backend.title for backend in KERAS_BACKENDS}
IN_TRAINING = ("ngrams", "dropout", "learning_rate", "batch_size", "epochs", "patience", "seed")
ONE_ALONE = {"network": "its network alone", "ngrams": "its n-grams alone"}


def prepared(data: Prepared, reviews: str, run_id: str) -> str:
    """Of `prepare`: the splits and what they are for."""
    kinds = (("train", TRAIN, "learned from"), ("validation", VALIDATION, "chosen by"), ("test", TEST, "measured on, once, at the end"))
    rows = [f"| {name} | {len(data.rows(split)):,} | {purpose} |" for name, split, purpose in kinds]
    if len(data.rows(UNLABELLED)):
        rows.append(f"| unlabelled | {len(data.rows(UNLABELLED)):,} | learned from before labels, if anything is |")
    return _paragraphs(
        f"The reviews of `{reviews}` as token ids, with {len(data.encoder.vocabulary):,} words in the vocabulary. "
        f"Splits: {data.split_method}.",
        "\n".join(["| split | reviews | to be |", "|---|---|---|", *rows]),
        _next(commands.entry_point("train", prepared=run_id)),
    )


def trained(settings: Any, data: Prepared, reviews: str, summary: Mapping[str, float], note: str, run_id: str) -> str:
    """Of `train`: quality on the validation split."""
    accuracies = {part: summary[name] for part in ("model", *ONE_ALONE) if (name := f"{part}_val_accuracy") in summary}
    return _paragraphs(
        _what(settings, data, reviews, summary),
        _accuracies(accuracies, len(data.rows(VALIDATION)), "validation"),
        f"The model is {note}.",
        KEPT if "best_epoch" in summary else "",
        _settings(settings),
        _next(commands.entry_point("register", run=run_id), commands.entry_point("train", start_from=run_id, **_same_network(settings))),
    )


def pretrained(settings: Any, summary: Mapping[str, float], artifact: str) -> str:
    """Of `pretrain`: what was learned before labels."""
    pieces = f"{summary.get('pieces', 0):,.0f} pieces"
    what = {
        VECTORS: f"vectors of {summary.get('words_with_vector', 0):,.0f} words",
        TEACHER: f"a network that was taught what the n-grams say of {pieces}",
        LANGUAGE_MODEL: f"words and LSTMs that have learned to tell next words in {pieces}",
    }[settings.pretrain]
    return _paragraphs(
        f"What a network can start from before it sees labels, made of {summary['reviews']:,.0f} reviews: {what}.",
        f"It is the artifact `{artifact}`, which a later training with the same reviews, settings and code takes over.",
    )


def evaluated(tested: Mapping[str, float], reviews: int) -> str:
    """Of `evaluate`: quality on the test split."""
    return _paragraphs(_tested(tested, reviews), f"AUC {tested['test_auc']:.3f}, F1 {tested['test_f1']:.3f}.")


def done(settings: Any, data: Prepared, reviews: str, summary: Mapping[str, float], tested: Mapping[str, float], fate: str) -> str:
    """Of `main`. fate: what became of the model in the registry, a sentence."""
    return _paragraphs(
        _what(settings, data, reviews, summary),
        _tested(tested, len(data.rows(TEST))),
        f"AUC {tested['test_auc']:.3f}. {fate}",
        KEPT if "best_epoch" in summary else "",
        _settings(settings),
        _next("make serve", commands.entry_point("score", input="FILE")),
    )


def searched(
    settings: Any, data: Prepared, trials: str, best: Mapping[str, str], value: float, tested: Mapping[str, float], again: str
) -> str:
    """Of `tune`.

    trials: how they ended; best: the setting that was best; value: of the metric, of the network with it; tested: may be empty; again: the
    command for more trials.
    """
    rows = [f"| `{name}` | {value} |" for name, value in best.items()]
    return _paragraphs(
        f"A search for a network among {settings.architecture} on {settings.backend}: {trials}. "
        f"The best had {settings.metric} {value:.4f}, on {len(data.rows(VALIDATION)):,} validation reviews.",
        "\n".join(["| parameter | best |", "|---|---|", *rows]),
        _tested(tested, len(data.rows(TEST))) if tested else "",
        "All trials: `search.html` among the artifacts, or the child runs of this one.",
        _next("make serve", again),
    )


def compared(made: Comparison, page: str) -> str:
    """Of `compare`. page: the name of the artifact that has all of it."""
    rows = [f"| {each.candidate.name} | {_with_interval(each.accuracy['model'])} |" for each in made.models]
    pairs = [f"- {pair.one} − {pair.other}: {pair.difference:+.3f}, p = {pair.p:.3f} (McNemar)" for pair in made.pairs[:MOST_PAIRS]]
    return _paragraphs(
        "\n".join([f"| model | accuracy on {made.texts:,} test reviews | 95 % interval |", "|---|---|---|", *rows]),
        "\n".join(pairs),
        f"All of it: `{page}` among the artifacts. Nothing is chosen on the test reviews; this registers the best of validation:",
        commands.in_another_shell([commands.entry_point("register")]),
    )


def _with_interval(share: Share) -> str:
    return f"{share.value:.3f} | {share.low:.3f} to {share.high:.3f}"


def registered(name: str, version: str, decision: str, reason: str, candidate: RunInfo) -> str:
    """Of `register`, and of the version. candidate: the run that made the model."""
    made = f"[{candidate.run_name}](#/experiments/{candidate.experiment_id}/runs/{candidate.run_id})"
    return _paragraphs(
        f"Version {version} of [{name}](#/models/{name}/versions/{version}), made by the run {made}.",
        f"The gate: **{decision}**. {reason[:1].upper()}{reason[1:]}.",
        _next(commands.serve(f"models:/{name}/{version}"))
        if decision != "rejected"
        else _next(commands.entry_point("register", run=candidate.run_id, force="true")),
    )


def card(model: ModelFile, candidate: Run, reviews: str, data: Prepared, note: str) -> str:
    """The short form of a model's card, of its version: what it is of, how good, what to be careful about. note: of the registering."""
    known = candidate.data.params
    what = f"{model.settings.get('architecture')} on {TITLES.get(known.get('backend', ''), known.get('backend', 'an unknown backend'))}"
    trained = f"{len(data.rows(TRAIN)):,} reviews of `{reviews}`" if model.data_fingerprint == data.data_fingerprint else "other reviews"
    return _paragraphs(
        f"**{what}**, trained on {trained}. `reviewText` in, `label` and `score`, the probability of positive, out.",
        note,
        "Be careful with texts of another kind or language than these reviews, and with a share of positive ones that is far from theirs.",
    )


def _what(settings: Any, data: Prepared, reviews: str, summary: Mapping[str, float]) -> str:
    backend = TITLES.get(settings.backend, settings.backend)
    best = summary.get("best_epoch")
    kept = f", epoch {best:.0f} of at most {settings.epochs}" if best else ", as it was before its first epoch, since none was better"
    epoch = "" if best is None else kept
    return (
        f"**{network(settings)} on {backend}**{epoch}, trained on {len(data.rows(TRAIN)):,} reviews of `{reviews}` "
        f"(data {data.data_fingerprint[:DIGITS]})."
    )


def _tested(tested: Mapping[str, float], reviews: int) -> str:
    accuracies = {"model": tested["test_accuracy"]}
    accuracies |= {part: tested[name] for part in ONE_ALONE if (name := f"test_accuracy_{part}") in tested}
    return _accuracies(accuracies, reviews, "test")


def _accuracies(accuracies: Mapping[str, float], reviews: int, split: str) -> str:
    head = [f"| | accuracy on {reviews:,} {split} reviews | 95 % interval |", "|---|---|---|"]
    rows = []
    for part, accuracy in accuracies.items():
        share = Share(accuracy, *wilson(round(accuracy * reviews), reviews))
        rows.append(f"| {ONE_ALONE.get(part, '**the model**')} | {_with_interval(share)} |")
    return "\n".join([*head, *rows])


def _settings(settings: Any) -> str:
    """Those that matter first, which MLflow itself shows by the alphabet."""
    names = ("backend", "architecture", *SIZES.get(settings.architecture, ()), *IN_TRAINING)
    return "Settings: " + ", ".join(f"`{name}={getattr(settings, name)}`" for name in names) + "."


def _same_network(settings: Any) -> dict[str, str]:
    names = ("backend", "architecture", *SIZES.get(settings.architecture, ()))
    defaults = type(settings)
    return {name: str(getattr(settings, name)) for name in names if getattr(settings, name) != getattr(defaults, name)}


def _next(*lines: str) -> str:
    return "Next:\n\n" + commands.in_another_shell(list(lines))


def _paragraphs(*parts: str) -> str:
    return "\n\n".join(filter(None, parts))
