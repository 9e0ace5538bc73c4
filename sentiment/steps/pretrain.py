"""What a network learns before it sees labels: a run of its own, not done twice."""

import hashlib
import json
import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np

from sentiment import tracking
from sentiment.backends.interpreters import ALL
from sentiment.preparation.prepared import Prepared
from sentiment.progress import Bar, EpochsBar
from sentiment.registry import find_model
from sentiment.reviews.batch import TRAIN, UNLABELLED
from sentiment.settings import LANGUAGE_MODEL, LSTMS_OVER_WORDS, TEACHER, VECTORS, TrainSettings
from sentiment.tracking import descriptions
from sentiment.training import defaults, language, pieces, pretraining, teaching, word_vectors
from sentiment.training.messages import LanguageEpoch
from sentiment.training.ngram_regression import NgramModel
from sentiment.training.trainer_process import Trainer
from sentiment.training.word_vectors import WordVectors

FILES = {VECTORS: "vectors.h5", TEACHER: find_model.FILE, LANGUAGE_MODEL: "language_model.h5"}
NETWORKS_CODE = ("ragged.py", "text/*.py", "training/*.py", "trainer/**/*.py")
CODE = {VECTORS: ("training/learned_vectors.py",), TEACHER: NETWORKS_CODE, LANGUAGE_MODEL: NETWORKS_CODE}
# Of the settings, those by which the result is another one.
NOT_OF_TEACHER = ("prepared", "start_from", "word_vectors", "epochs", "patience", "threshold")
SETTINGS = {
    VECTORS: ("embedding_size", "seed"),
    TEACHER: tuple(each.name for each in fields(TrainSettings) if each.name not in NOT_OF_TEACHER),
    LANGUAGE_MODEL: (
        *("backend", "architecture", "embedding_size", "lstm_size"),
        *("pretrain_epochs", "learning_rate", "batch_size", "weight_average", "seed"),
    ),
}
log = logging.getLogger(__name__)


def run(settings: TrainSettings, data: Prepared, parent: str, teacher: NgramModel | None, **tags: str) -> tuple[Path | WordVectors, str]:
    """What `settings.pretrain` makes of the reviews, and the run that made it, which may be an earlier one.

    teacher: n-grams that were fitted on the training reviews alone, if that is what it asks for.

    It learns from the training and the unlabelled reviews; of the validation reviews a teacher uses the labels to know when to stop.

    Raises:
        UserError: What an earlier run made is damaged.
        TrainerError: The trainer failed.
    """
    made_by, file = recipe(settings, data), FILES[settings.pretrain]
    earlier = tracking.made_before("pretrain", lambda run: (run.info.run_id, tracking.artifact(run, file)), recipe=made_by)
    if earlier:
        run_id, path = earlier
        log.info("pretrain: nothing to do, run %s did the same", run_id)
    else:
        with tracking.step_run("pretrain", settings, parent, recipe=made_by, **tags) as active, tracking.work_folder() as folder:
            run_id, path = active.info.run_id, folder / file
            if teacher:
                metrics = _teach(settings, data, teacher, path, active)
            elif settings.pretrain == LANGUAGE_MODEL:
                metrics = _learn_language(settings, data, path, active)
            else:
                metrics = _learn_vectors(settings, data, path)
            active.log_metrics(metrics)
            active.set_tags({tracking.NOTE: descriptions.pretrained(settings, metrics, file)})
            active.log_file(path)
    if settings.pretrain == TEACHER:
        return path, run_id
    lstms = LSTMS_OVER_WORDS[settings.architecture] if settings.pretrain == LANGUAGE_MODEL else ()
    return word_vectors.read(path, data.encoder.size, settings.embedding_size, dict.fromkeys(lstms, settings.lstm_size)), run_id


def recipe(settings: TrainSettings, data: Prepared) -> str:
    """SHA-256 of all that the result follows from: the reviews, the settings and the code."""
    known = asdict(settings)
    names = ("pretrain", *SETTINGS[settings.pretrain])
    total = hashlib.sha256(json.dumps({name: known[name] for name in names}, sort_keys=True).encode())
    if settings.pretrain == TEACHER:
        arrays = [data.words.ids, data.words.offsets, data.labels, data.split, data.tokens.offsets]
    else:
        texts = data.words.take(data.rows(TRAIN, UNLABELLED))
        arrays = [texts.ids, texts.offsets]
    if settings.pretrain == LANGUAGE_MODEL:
        arrays.append(np.array(pieces.longest(data)))
    for array in arrays:
        total.update(np.ascontiguousarray(array).tobytes())
    total.update("\n".join(data.encoder.vocabulary).encode())
    here = Path(__file__).parent.parent
    for file in sorted(path for pattern in CODE[settings.pretrain] for path in here.glob(pattern)):
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def _learn_vectors(settings: TrainSettings, data: Prepared, path: Path) -> dict[str, float]:
    vectors = _vectors(settings, data)
    word_vectors.write(vectors, path)
    return {"reviews": len(data.rows(TRAIN, UNLABELLED)), "words_with_vector": len(vectors)}


def _vectors(settings: TrainSettings, data: Prepared) -> WordVectors:
    with Bar("pretrain: vectors", 0, "parts") as bar:
        vectors = pretraining.learn_vectors(data, settings, bar.set)
    reviews = len(data.rows(TRAIN, UNLABELLED))
    log.info("pretrain: vectors of %s words, learned from %s reviews", f"{len(vectors):,}", f"{reviews:,}")
    return vectors


def _learn_language(settings: TrainSettings, data: Prepared, path: Path, active: tracking.StepRun) -> dict[str, float]:
    vectors, cut = _vectors(settings, data), language.unlabelled_pieces(data)
    count = len(cut.rows(TRAIN))
    epochs = defaults.pretrain_epochs(settings, count)
    bar = EpochsBar("pretrain", settings.backend, epochs)

    def after_epoch(epoch: LanguageEpoch) -> None:
        losses = {"train_loss": epoch.train_loss, "val_loss": epoch.val_loss}
        active.log_metrics(losses | {"epoch_seconds": epoch.epoch_seconds, "tokens_per_second": epoch.tokens_per_second}, epoch.epoch)
        bar.end_epoch(f"pretrain: epoch {epoch.epoch:>2}/{epochs}  train_loss {epoch.train_loss:.4f}  val_loss {epoch.val_loss:.4f}")

    with _trainer(settings, bar, active) as trainer:
        learned = pretraining.learn_language(trainer, data, cut, settings, vectors, after_epoch, bar.set)
    word_vectors.write(learned, path)
    reviews = len(data.rows(TRAIN, UNLABELLED))
    log.info("pretrain: a language model of %s reviews in %s pieces", f"{reviews:,}", f"{count:,}")
    return {"reviews": reviews, "pieces": count}


def _teach(settings: TrainSettings, data: Prepared, teacher: NgramModel, path: Path, active: tracking.StepRun) -> dict[str, float]:
    vectors = _vectors(settings, data)
    with Bar("pretrain: what the n-grams say", 0, "pieces") as labelled:
        taught = teaching.pseudo_labelled(data, teacher, labelled.set)
    number = len(taught.rows(TRAIN))
    epochs = defaults.pretrain_epochs(settings, number)
    bar = EpochsBar("pretrain", settings.backend, epochs)

    def after_epoch(epoch: int, metrics: dict[str, float]) -> bool:
        active.log_metrics({name: value for name, value in metrics.items() if name != "train_accuracy"}, epoch)
        bar.end_epoch(f"pretrain: epoch {epoch:>2}/{epochs}  train_loss {metrics['train_loss']:.4f}  val_loss {metrics['val_loss']:.4f}")
        return False

    with _trainer(settings, bar, active) as trainer:
        trained = pretraining.teach(trainer, data, taught, settings, vectors, path, after_epoch, bar.set)
    accuracy, count = trained.summary["network_val_accuracy"], len(data.rows(TRAIN, UNLABELLED))
    log.info("pretrain: %s reviews in %s pieces, as the n-grams see them, validation accuracy %.4f", f"{count:,}", f"{number:,}", accuracy)
    return trained.summary | {"reviews": count, "pieces": number}


@contextmanager
def _trainer(settings: TrainSettings, bar: EpochsBar, active: tracking.StepRun) -> Iterator[Trainer]:
    """A trainer while the block lasts; its log is the run's."""
    with closing(bar), Trainer(ALL[settings.backend]) as trainer:
        try:
            yield trainer
        finally:
            active.log_text(trainer.log(), "trainer.log")
