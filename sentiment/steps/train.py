"""One model: trained on a backend, tracked epoch by epoch."""

import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from sentiment import tracking
from sentiment.backends.interpreters import ALL
from sentiment.errors import UserError
from sentiment.model import model_file
from sentiment.plots import learning, scores, style
from sentiment.preparation import prepared
from sentiment.preparation.prepared import Prepared
from sentiment.progress import Bar
from sentiment.registry import find_model
from sentiment.reviews.batch import VALIDATION
from sentiment.serving import served_model
from sentiment.settings import AUTO, LANGUAGE_MODEL, LSTMS_OVER_WORDS, NGRAMS_ALONE, NONE, SIZES, TEACHER, TrainSettings
from sentiment.steps import prepared_runs, pretrain
from sentiment.steps.train_progress import TrainProgress
from sentiment.tracking import StepRun, commands, descriptions
from sentiment.training import defaults, teaching, training, vector_file
from sentiment.training.ngram_regression import Fitted
from sentiment.training.trainer_process import Trainer
from sentiment.training.training import Trained
from sentiment.training.word_vectors import WordVectors

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainedRun:
    """The run that trained a model, the file, and what is known of the training.

    epochs: the metrics of each, from the first.
    """

    run_id: str
    path: Path
    trained: Trained
    epochs: list[dict[str, float]]

    @property
    def summary(self) -> dict[str, float]:
        """The metrics at the end."""
        return self.trained.summary

    def plots(self) -> dict[str, Figure]:
        """By name: of the network's epochs, if it has any, and of the validation reviews."""
        learned = {"learning_curves": learning.curves(self.epochs, int(self.summary["best_epoch"]))} if self.epochs else {}
        return learned | (scores.every(self.trained.validation) if self.trained.validation else {})


def run(
    settings: TrainSettings,
    parent: str | None = None,
    on_epoch_end: Callable[[dict[str, float], int], None] = lambda metrics, epoch: None,
    learned: WordVectors | None = None,
    **tags: str,
) -> TrainedRun:
    """Trains and logs `model.h5`.

    on_epoch_end: is called with the metrics of each epoch, and its number; learned: what `pretrain` made, if it need not be made.

    Raises:
        UserError: The backend is not installed, there is no such prepared data or model to start from, or nothing to train.
        TrainerError: The trainer failed.
        UnsentError: The tracking server did not take all; it lies in a folder.
    """
    ALL[settings.backend].interpreter()
    start: Path | WordVectors | None = start_model(settings)
    source = prepared_runs.find(settings.prepared)
    data, reviews = prepared.read(source.path), source.reviews
    settings = defaults.resolve(settings, data)
    if settings.pretrain == TEACHER and not settings.ngrams:
        raise teaching.nobody(settings.ngrams)
    if settings.word_vectors != NONE:
        start = _read_vectors(settings, data)
    tags |= {"data_fingerprint": data.data_fingerprint} | ({"prepared_run_id": source.run_id} if source.run_id else {})
    with tracking.step_run("train", settings, parent, **tags) as active, tracking.work_folder() as folder:
        active.log_datasets(tracking.split_datasets(data, reviews, "train", "validation"))
        if isinstance(start, WordVectors):
            active.log_metrics({"words_with_vector": len(start)})
        with Bar("n-grams", 0, "parts") as bar:
            ngrams = training.fit_ngrams(data, settings, bar.set)
        start = start if learned is None else learned
        if start is None and settings.pretrain != NONE:
            teacher = ngrams.train_model if ngrams and settings.pretrain == TEACHER else None
            start, pretrain_run_id = pretrain.run(settings, data, active.info.run_id, teacher, **tags)
            active.set_tags({"pretrain_run_id": pretrain_run_id})
        path = folder / find_model.FILE
        progress = TrainProgress(settings.backend, settings.epochs, active, on_epoch_end)
        trained = _train(settings, data, path, start, ngrams, progress, active)
        run_id = active.info.run_id
        active.measure_model_of(run_id)
        active.log_metrics(trained.summary)
        note = descriptions.trained(settings, data, reviews, trained.summary, trained.note, run_id)
        active.set_tags({"combination": trained.note, tracking.NOTE: note})
        active.log_file(path)
        served_model.save(path, folder / served_model.NAME, reviews)
        active.log_model(folder / served_model.NAME)
        made = TrainedRun(run_id, path, trained, progress.epochs)
        active.log_plots(style.pngs(made.plots()))
    _log_summary(settings, trained, run_id, len(data.rows(VALIDATION)))
    if parent is None:
        commands.log_next_steps(
            commands.open_page(commands.run_page(active.info)),
            (commands.entry_point("register", run=run_id), "to have it served, if the gate opens"),
        )
    return made


def _train(
    settings: TrainSettings,
    data: Prepared,
    path: Path,
    start: Path | WordVectors | None,
    ngrams: Fitted | None,
    progress: TrainProgress,
    active: StepRun,
) -> Trained:
    with closing(progress), Trainer(ALL[settings.backend]) as trainer:
        active.log_params({"device": trainer.device})
        is_taught = settings.pretrain == TEACHER
        try:
            return training.train(trainer, settings, data, path, progress.after_epoch, progress.after_tokens, start, ngrams, is_taught)
        finally:
            active.log_text(trainer.log(), "trainer.log")


def _log_summary(settings: TrainSettings, trained: Trained, run_id: str, reviews: int) -> None:
    best = int(trained.summary.get("best_epoch", 0))
    parts = (("network", f", epoch {best}" if best else ", as it started"), ("ngrams", ""), ("model", ""))
    shown = [f"{part} {trained.summary[name]:.4f}{more}" for part, more in parts if (name := f"{part}_val_accuracy") in trained.summary]
    log.info("train: validation accuracy of %s", "; ".join(shown))
    log.info("train: %s on %s, %s (run %s)", settings.architecture, settings.backend, trained.note, run_id)
    if trained.threshold.note:
        tell = log.warning if trained.threshold.missed else log.info
        tell("train: threshold %.4g: %s", trained.threshold.value, trained.threshold.note)
    if trained.guessing:
        log.warning(
            "train: no better than guessing, by the AUC on %d validation reviews: %s. Give more reviews, or see if their labels are right.",
            reviews,
            "; ".join(trained.guessing),
        )


def _read_vectors(settings: TrainSettings, data: Prepared) -> WordVectors:
    with Bar("word vectors", Path(settings.word_vectors).expanduser().stat().st_size, "bytes") as bar:
        vectors = vector_file.read(settings.word_vectors, data.encoder, settings.embedding_size, bar.advance)
    words = len(data.encoder.vocabulary)
    log.info("train: %s of %s words have a vector in %s", f"{len(vectors):,}", f"{words:,}", settings.word_vectors)
    return vectors


def start_model(settings: TrainSettings) -> Path | None:
    """The model that the training starts from, if it starts from one. A file of word vectors is looked at, but not read.

    Raises:
        UserError: There is none, or its network has other sizes; or the settings leave nothing to train, or have it start twice.
    """
    named = {name: getattr(settings, name) for name in ("start_from", "word_vectors", "pretrain")}
    starts = [f"{name}={value}" for name, value in named.items() if value not in (NONE, AUTO)]
    if len(starts) > 1:
        raise UserError(f"A network starts from one thing. Received: {', '.join(starts)}. Give one of them.")
    if starts and settings.architecture == NGRAMS_ALONE:
        raise UserError(f"There is no network to start. Received: architecture={NGRAMS_ALONE}, {starts[0]}. Give another architecture.")
    if settings.pretrain == LANGUAGE_MODEL and settings.architecture not in LSTMS_OVER_WORDS:
        raise UserError(
            f"A language model trains LSTMs that read words. Received: pretrain={LANGUAGE_MODEL}, architecture={settings.architecture}. "
            f"Give pretrain=vectors, or architecture={' or '.join(LSTMS_OVER_WORDS)}."
        )
    if settings.word_vectors != NONE:
        vector_file.check(settings.word_vectors, settings.embedding_size)
    if settings.architecture == NGRAMS_ALONE and not settings.ngrams:
        raise UserError("There is nothing to train. Received: architecture=ngrams, ngrams=0. Give ngrams over 0, or another architecture.")
    if settings.start_from == NONE:
        return None
    path = find_model.find(settings.start_from, "start_from")
    theirs = model_file.read(path).settings
    for name in ("architecture", *SIZES[settings.architecture]):
        if theirs.get(name) != getattr(settings, name):
            raise UserError(
                f"The model to start from has another network. Received: start_from={settings.start_from} with {name}={theirs.get(name)}, "
                f"{name}={getattr(settings, name)}. Give the same {name}."
            )
    return path
