"""One model: trained on a backend, tracked epoch by epoch."""

import logging
from dataclasses import dataclass
from pathlib import Path

import mlflow

from sentiment import models, prepared, served_model, tracking, training
from sentiment.backends import ALL
from sentiment.errors import UserError
from sentiment.progress import Bar
from sentiment.settings import TrainSettings
from sentiment.steps.prepare import FILE as PREPARED
from sentiment.trainer_process import Trainer

SHOWN = ("train_loss", "val_loss", "val_accuracy", "val_auc")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainedRun:
    """The run that trained a model, the file, and its summary: the best epoch and the validation metrics of that, as `best_...`."""

    run_id: str
    path: Path
    summary: dict[str, float]


def run(settings: TrainSettings, parent: str | None = None, whole: bool = False, **tags: str) -> TrainedRun:
    """Trains and logs `model.h5`.

    whole: on the training and the validation split, through all epochs; then there are no validation metrics.

    Raises:
        UserError: The backend is not installed, or there is no such prepared data.
        TrainerError: The trainer failed.
    """
    backend = ALL[settings.backend]
    backend.interpreter()
    source, prepared_run_id = find_prepared(settings.prepared)
    data = prepared.read(source)
    tags |= {"data_fingerprint": data.data_fingerprint} | ({"prepared_run_id": prepared_run_id} if prepared_run_id else {})
    with tracking.step_run("train", settings, parent, **tags) as active, tracking.work_folder() as folder:
        bar, epochs = Bar("train", 0, "tokens"), tracking.EpochLog(active.info.run_id)

        def after_epoch(epoch: int, metrics: dict[str, float]) -> bool:
            epochs.add(epoch, metrics)
            shown = "  ".join(f"{name} {metrics[name]:.4f}" for name in SHOWN if name in metrics)
            bar.say(f"epoch {epoch:>2}/{settings.epochs}  {shown}  {metrics['tokens_per_second']:,.0f} tokens/s")
            return False

        path = folder / models.FILE
        with Trainer(backend) as trainer:
            try:
                if whole:
                    trained = training.train_to_the_end(trainer, settings, source, path, after_epoch, bar.set)
                else:
                    trained = training.train(trainer, settings, data, source, path, after_epoch, bar.set)
            finally:
                bar.close()
                tracking.log_text_if_possible(trainer.log(), "trainer.log")
        epochs.flush()
        mlflow.log_metrics(trained.summary())
        mlflow.log_artifact(str(path))
        served_model.log(path)
        run_id = active.info.run_id
    log.info("train: %s on %s, best epoch %d (run %s)", settings.architecture, settings.backend, trained.best_epoch, run_id)
    return TrainedRun(run_id, path, trained.summary())


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
        run_id = runs[0].info.run_id
    else:
        run_id = tracking.get_run(given, "prepared", "prepare").info.run_id
    return tracking.artifact(run_id, PREPARED), run_id
