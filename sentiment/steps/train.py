"""One model: trained on a backend, tracked epoch by epoch."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sentiment import tracking
from sentiment.backends.interpreters import ALL
from sentiment.errors import UserError
from sentiment.model import model_file
from sentiment.preparation import prepared
from sentiment.progress import Bar
from sentiment.registry import find_model, lineage
from sentiment.reviews.batch import VALIDATION
from sentiment.serving import served_model
from sentiment.settings import NGRAMS_ALONE, SIZES, TrainSettings
from sentiment.steps.prepare import FILE as PREPARED
from sentiment.tracking import commands, descriptions
from sentiment.training import training
from sentiment.training.trainer_process import Trainer
from sentiment.training.training import Trained

SHOWN = ("train_loss", "val_loss", "val_accuracy", "val_auc")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainedRun:
    """The run that trained a model, the file, and the metrics at the end of the training."""

    run_id: str
    path: Path
    summary: dict[str, float]


def run(
    settings: TrainSettings,
    parent: str | None = None,
    beside: Callable[[dict[str, float], int], None] = lambda metrics, epoch: None,
    **tags: str,
) -> TrainedRun:
    """Trains and logs `model.h5`. beside: gets the metrics of each epoch, too, and its number.

    Raises:
        UserError: The backend is not installed, there is no such prepared data or model to start from, or nothing to train.
        TrainerError: The trainer failed.
        UnsentError: The tracking server did not take all; it lies in a folder.
    """
    backend = ALL[settings.backend]
    backend.interpreter()
    start = start_model(settings)
    source, prepared_run_id = find_prepared(settings.prepared)
    data = prepared.read(source)
    reviews = lineage.reviews_of(prepared_run_id) or str(source)
    tags |= {"data_fingerprint": data.data_fingerprint} | ({"prepared_run_id": prepared_run_id} if prepared_run_id else {})
    with tracking.step_run("train", settings, parent, **tags) as active, tracking.work_folder() as folder:
        active.log_datasets(tracking.split_datasets(data, reviews, "train", "validation"))
        bar, ngrams = Bar("train", 0, "tokens of the epoch"), Bar("n-grams", 0, "regressions")

        def after_ngrams(done: int, of: int) -> None:
            ngrams.set(done, of)
            if done == of:
                ngrams.close()

        def after_epoch(epoch: int, metrics: dict[str, float]) -> bool:
            active.log_metrics(metrics, epoch)
            beside(metrics, epoch)
            shown = "  ".join(f"{name} {metrics[name]:.4f}" for name in SHOWN if name in metrics)
            bar.say(f"epoch {epoch:>2}/{settings.epochs}  {shown}  {metrics['tokens_per_second']:,.0f} tokens/s")
            return False

        path = folder / find_model.FILE
        with Trainer(backend) as trainer:
            active.log_params({"device": trainer.device})
            try:
                trained = training.train(trainer, settings, data, path, after_epoch, bar.set, start, after_ngrams)
            finally:
                bar.close()
                ngrams.close()
                active.log_text(trainer.log(), "trainer.log")
        run_id = active.info.run_id
        active.measure_model_of(run_id)
        active.log_metrics(trained.summary)
        note = descriptions.trained(settings, data, reviews, trained.summary, trained.note, run_id)
        active.set_tags({"combination": trained.note, descriptions.NOTE: note})
        active.log_file(path)
        served_model.save(path, folder / served_model.NAME, reviews)
        active.log_model(folder / served_model.NAME)
    _tell(settings, trained, run_id, len(data.rows(VALIDATION)))
    if parent is None:
        commands.say_next(
            commands.look(commands.run_page(active.info)),
            (commands.entry_point("register", run=run_id), "to have it served, if the gate opens"),
        )
    return TrainedRun(run_id, path, trained.summary)


def _tell(settings: TrainSettings, trained: Trained, run_id: str, reviews: int) -> None:
    parts = (("network", f", epoch {trained.summary.get('best_epoch', 0):.0f}"), ("ngrams", ""), ("model", ""))
    shown = [f"{part} {trained.summary[name]:.4f}{more}" for part, more in parts if (name := f"{part}_val_accuracy") in trained.summary]
    log.info("train: validation accuracy of %s", "; ".join(shown))
    log.info("train: %s on %s, %s (run %s)", settings.architecture, settings.backend, trained.note, run_id)
    if trained.guessing:
        log.warning(
            "train: no better than guessing, by the AUC on %d validation reviews: %s. Give more reviews, or see if their labels are right.",
            reviews,
            "; ".join(trained.guessing),
        )


def start_model(settings: TrainSettings) -> Path | None:
    """The model that the training starts from.

    Raises:
        UserError: There is none, or its network has other sizes; or the settings leave nothing to train.
    """
    if settings.architecture == NGRAMS_ALONE and not settings.ngrams:
        raise UserError("There is nothing to train. Received: architecture=ngrams, ngrams=0. Give ngrams over 0, or another architecture.")
    if settings.start_from == "none":
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


def find_prepared(given: str) -> tuple[Path, str | None]:
    """The `prepared.h5` that the parameter names, and the run that has it.

    Raises:
        UserError: There is none.
    """
    path = Path(given).expanduser()
    if path.is_file():
        return path, None
    if given == "latest":
        runs = tracking.find_runs("prepare")
        if not runs:
            raise UserError(
                "There is no prepared data yet. Received: prepared=latest. Make it first: mlflow run . -e prepare -P reviews=FILE."
            )
        run = runs[0]
    else:
        run = tracking.get_run(given, "prepared", "prepare")
    return tracking.artifact(run, PREPARED), run.info.run_id
