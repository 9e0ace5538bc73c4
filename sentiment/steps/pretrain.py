"""What a network learns before it sees labels: a run of its own, not done twice."""

import hashlib
import json
import logging
from dataclasses import asdict
from pathlib import Path

import numpy as np

from sentiment import tracking
from sentiment.backends.interpreters import ALL
from sentiment.preparation.prepared import Prepared
from sentiment.progress import Bar, EpochsBar
from sentiment.registry import find_model
from sentiment.reviews.batch import TRAIN, UNLABELLED
from sentiment.settings import TEACHER, VECTORS, TrainSettings
from sentiment.training import defaults, pretraining, teaching, word_vectors
from sentiment.training.ngram_regression import NgramModel
from sentiment.training.trainer_process import Trainer
from sentiment.training.word_vectors import WordVectors

FILES = {VECTORS: "vectors.h5", TEACHER: find_model.FILE}
CODE = {VECTORS: ("training/learned_vectors.py",), TEACHER: ("ragged.py", "text/*.py", "training/*.py", "trainer/**/*.py")}
# Of the settings, those by which the result is another one.
OF_VECTORS = ("embedding_size", "seed")
NOT_OF_TEACHER = ("prepared", "start_from", "word_vectors", "epochs", "patience", "threshold")
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
            metrics = _teach(settings, data, teacher, path, active) if teacher else _learn_vectors(settings, data, path)
            active.log_metrics(metrics)
            active.log_file(path)
    if settings.pretrain == VECTORS:
        return word_vectors.read(path, data.encoder.size, settings.embedding_size), run_id
    return path, run_id


def recipe(settings: TrainSettings, data: Prepared) -> str:
    """SHA-256 of all that the result follows from: the reviews, the settings and the code."""
    known = asdict(settings)
    vectors = settings.pretrain == VECTORS
    names = OF_VECTORS if vectors else [name for name in known if name not in NOT_OF_TEACHER]
    total = hashlib.sha256(json.dumps({name: known[name] for name in ("pretrain", *names)}, sort_keys=True).encode())
    texts = data.words.take(data.rows(TRAIN, UNLABELLED)) if vectors else data.words
    for array in (texts.ids, texts.offsets, *([] if vectors else [data.labels, data.split, data.tokens.offsets])):
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


def _teach(settings: TrainSettings, data: Prepared, teacher: NgramModel, path: Path, active: tracking.StepRun) -> dict[str, float]:
    vectors, taught = _vectors(settings, data), teaching.pseudo_labelled(data, teacher)
    pieces = len(taught.rows(TRAIN))
    epochs = defaults.teacher_epochs(settings, pieces)
    bar = EpochsBar("pretrain", epochs)

    def after_epoch(epoch: int, metrics: dict[str, float]) -> bool:
        active.log_metrics({name: value for name, value in metrics.items() if name != "train_accuracy"}, epoch)
        bar.end_epoch(f"pretrain: epoch {epoch:>2}/{epochs}  train_loss {metrics['train_loss']:.4f}  val_loss {metrics['val_loss']:.4f}")
        return False

    log.info("pretrain: starting Keras on %s", settings.backend)
    with Trainer(ALL[settings.backend]) as trainer:
        try:
            trained = pretraining.teach(trainer, data, taught, settings, vectors, path, after_epoch, bar.set)
        finally:
            bar.close()
            active.log_text(trainer.log(), "trainer.log")
    accuracy, count = trained.summary["network_val_accuracy"], len(data.rows(TRAIN, UNLABELLED))
    log.info("pretrain: %s reviews in %s pieces, as the n-grams see them, validation accuracy %.4f", f"{count:,}", f"{pieces:,}", accuracy)
    return trained.summary | {"reviews": count, "pieces": pieces}
