"""One trial of a search: the training of a network with the settings that Optuna suggests, as a child run. N-grams have no part in it."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import FixedTrial, FrozenTrial, TrialState

from sentiment import tracking
from sentiment.errors import StepError, Stopped
from sentiment.preparation.prepared import Prepared
from sentiment.registry import find_model
from sentiment.settings import SIZES, TrainSettings, TuneSettings, parameters
from sentiment.settings import threshold as thresholds
from sentiment.tracking import GONE, UnsentError
from sentiment.training import training
from sentiment.training.trainer_process import Trainer
from sentiment.training.word_vectors import WordVectors
from sentiment.tuning import search

log = logging.getLogger(__name__)
OF_TRIALS: dict[str, Any] = {"ngrams": 0, "threshold": str(thresholds.DEFAULT)}  # only the final model has them
BEST_EPOCH, RUN_ID = "best_epoch", "run_id"  # attributes of a trial


@dataclass(frozen=True)
class Job:
    """What the trials of a study share.

    parent: the run of the study; tags: of every run; stopping: whether to end after the present epoch; vectors: what embeddings start with,
    as wide as the widest; again: the command for more trials.
    """

    settings: TuneSettings
    study: str
    parent: str
    data: Prepared
    tags: dict[str, str]
    stopping: Callable[[], bool]
    vectors: WordVectors | None = None
    again: str = ""

    def start(self, embedding_size: int) -> WordVectors | None:
        """What an embedding of that size starts with, if it does."""
        return self.vectors.first(embedding_size) if self.vectors else None


def network_settings(settings: TuneSettings, values: dict[str, Any], **changes: Any) -> TrainSettings:
    """Train's, with the values that a search suggests; sizes that the architecture does not have are train's defaults."""
    unused = {size: getattr(TrainSettings, size) for sizes in SIZES.values() for size in sizes}
    return TrainSettings(**{f.name: getattr(settings, f.name) for f in parameters(TrainSettings)} | unused | values | changes)


def run(
    trial: optuna.Trial, job: Job, trainer_for: Callable[[str], Trainer], on_part: Callable[[int, float], None] = lambda number, part: None
) -> float:
    """Trains, logs `model.h5`, and returns the network's metric of the epoch that was kept.

    on_part: gets the trial's number and how much of its epochs is done.

    Raises:
        TrialPruned: It was worse than the others.
        Stopped: The search is to end.
        TrainerError, StepError: It failed.
    """
    settings = network_settings(job.settings, search.suggest(trial, job.settings), **OF_TRIALS)
    pruned, trained, epochs = False, None, 0
    try:
        with (
            tracking.step_run("trial", settings, job.parent, trial=str(trial.number), study=job.study, **job.tags) as active,
            tracking.work_folder() as folder,
        ):
            trial.set_user_attr(RUN_ID, active.info.run_id)
            path, ended = folder / find_model.FILE, ""

            def after_epoch(epoch: int, metrics: dict[str, float]) -> bool:
                nonlocal ended, epochs, pruned
                epochs = epoch
                active.log_metrics(metrics, epoch)
                trial.report(metrics[job.settings.metric], epoch)
                pruned = trial.should_prune()
                if pruned or job.stopping():
                    ended = f"{'pruned' if pruned else 'stopped'} after epoch {epoch}"
                return bool(ended)

            def after_tokens(done: int, of: int) -> None:
                on_part(trial.number, (epochs + done / of) / settings.epochs)

            trainer = trainer_for(settings.backend)
            active.log_params({"device": trainer.device})
            start = job.start(settings.embedding_size)
            trained = training.train(trainer, settings, job.data, path, after_epoch, after_tokens, start)
            if ended:
                raise Stopped(ended)
            active.log_file(path)
            path.unlink()
            active.log_metrics(trained.summary)
            active.set_tags({tracking.NOTE: f"Trial {trial.number} of the study `{job.study}`. The network's figures are `network_val_…`."})
            trial.set_user_attr(BEST_EPOCH, int(trained.summary["best_epoch"]))
    except Stopped as error:
        if pruned:
            raise optuna.TrialPruned(str(error)) from None
        raise
    except UnsentError as error:
        if trained is None:
            raise
        log.warning("%s", error)  # the trial is done all the same
    return trained.network[job.settings.metric]


def reconcile(study: optuna.Study, parent: str) -> None:
    """Ends as FAILED the child runs whose trial failed otherwise than in them, mostly because its process was gone."""
    ended = {str(trial.number): trial for trial in study.get_trials(deepcopy=False) if trial.state.is_finished()}
    given_up = {number for number, trial in ended.items() if trial.state == TrialState.FAIL}
    for child in tracking.children(parent, "trial"):
        number, status = child.data.tags.get("trial"), child.info.status
        if (status == "RUNNING" and number in ended) or (status == "FINISHED" and number in given_up):
            tracking.fail_run(child.info.run_id, ended[number].user_attrs.get(search.FAILURE, GONE))


def add_missing(study: optuna.Study, job: Job) -> None:
    """Gives each trial that counts, but failed before it could have a run, one with the reason. For one of the workers only."""
    present = {child.data.tags.get("trial") for child in tracking.children(job.parent, "trial")}
    for trial in search.counted(study):
        if trial.state == TrialState.FAIL and str(trial.number) not in present:
            with (
                suppress(StepError),
                tracking.step_run("trial", _known(trial, job), job.parent, trial=str(trial.number), study=job.study, **job.tags),
            ):
                raise StepError(trial.user_attrs[search.FAILURE])


def _known(trial: FrozenTrial, job: Job) -> TrainSettings:
    """The settings of a trial, as far as they had been suggested."""
    try:
        values = search.suggest(FixedTrial(trial.params), job.settings)
    except ValueError:
        values = {}
    return network_settings(job.settings, values, **OF_TRIALS)
