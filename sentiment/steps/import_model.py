"""A model that no run has, from its file: one of this project, or one of Keras 1 or 2."""

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sentiment import tracking
from sentiment.backends.interpreters import ALL
from sentiment.errors import UserError
from sentiment.model import keras_1_2, model_file
from sentiment.model.model_file import ModelFile
from sentiment.model.scorer import Scorer
from sentiment.paths import PROJECT
from sentiment.progress import KERAS_STARTS, Wait
from sentiment.registry import find_model, lineage
from sentiment.reviews import find_source
from sentiment.serving import served_model
from sentiment.settings import ImportSettings, PrepareSettings, RegisterSettings
from sentiment.training.trainer_process import Trainer, TrainerError, write_ids

ALLOWED = 1e-5
DIFFERENCE = "largest_difference"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Imported:
    """A model that was checked.

    path: its `model.h5`; tags: the data that it is measured on; metrics: of a model of Keras 1 or 2, by how much its scores
    differ from those of the old framework.
    """

    path: Path
    settings: ImportSettings
    tags: dict[str, str]
    metrics: dict[str, float]


def check(source: Path, settings: RegisterSettings) -> Imported:
    """Reads the model, converts it if it is an old one, and has that checked by the old framework.

    Raises:
        UserError: The file or its vocabulary is not what it should be, there is no data to measure the model on, or it would not
            score as it did.
    """
    path, metrics = Path(tracking.scratch()) / find_model.FILE, {}
    if model_file.is_ours(source):
        tags = _measured_on(source, Scorer(source).model.data_fingerprint)
        shutil.copyfile(source, path)
        Scorer(path)  # what is logged is what was checked, also if the file was changed between
    else:
        if settings.vocabulary == "none":
            raise UserError(
                "The file is no whole model of this project, and for one of Keras 1 or 2 its vocabulary is missing. "
                f"Received: run={source}. Give its word index too: -P vocabulary=FILE."
            )
        model = keras_1_2.read(source, Path(settings.vocabulary).expanduser(), settings.max_length)
        tags = _measured_on(source, model.data_fingerprint)
        model_file.write(model, path)
        metrics = {DIFFERENCE: _difference(source, model, path)}
    return Imported(path, ImportSettings(str(source), settings.vocabulary), tags, metrics)


def track(imported: Imported, parent: str) -> str:
    """Logs the model in a run of its own; returns the run's id."""
    with tracking.step_run("import", imported.settings, parent, **imported.tags) as active:
        model = model_file.read(imported.path)
        active.log_params({name: str(value) for name, value in model.settings.items()})
        if imported.metrics:
            active.log_metrics(imported.metrics)
        active.log_file(imported.path)
        folder = Path(tracking.scratch()) / served_model.NAME
        served_model.save(imported.path, folder, lineage.reviews_of(imported.tags["prepared_run_id"]) if model.data_fingerprint else "")
        active.log_model(folder)
    return str(active.info.run_id)


def _measured_on(source: Path, fingerprint: str) -> dict[str, str]:
    """The tags of the data of the newest prepare run with the data that the model was trained on, whose test split it has not seen.

    If the file does not name them, of the newest of all.
    """
    runs = tracking.find_runs("prepare", data_fingerprint=fingerprint) if fingerprint else tracking.find_runs("prepare")
    if not runs:
        which = f"the reviews that it was trained on (data_fingerprint {fingerprint})" if fingerprint else "reviews"
        raise UserError(
            f"There is no prepared data to measure the model on. Received: run={source}. "
            f"First prepare {which}: mlflow run . -e prepare -P reviews=FILE."
        )
    return {"prepared_run_id": runs[0].info.run_id, "data_fingerprint": runs[0].data.tags["data_fingerprint"]}


def _difference(source: Path, model: ModelFile, path: Path) -> float:
    """Between the scores that the bundled reviews get from `path` here and from `source` in Keras 2.1.6 on CNTK, at most."""
    bundled = find_source(PrepareSettings(reviews=str(PROJECT / "data" / "reviews.txt")), labelled=False)
    reviews = model.encoder.encode([text for batch in bundled.read(lambda size: None) for text in batch.texts])
    try:
        ours = Scorer(path).score_ids(reviews)
        with Wait("import: starting Keras on cntk", KERAS_STARTS), Trainer(ALL["cntk"]) as trainer:
            theirs = trainer.score(source.resolve(), write_ids(path.with_name("reviews.unfinished"), reviews)).scores
    except UserError:
        raise
    except Exception as error:  # ONNX Runtime has kinds of its own
        who = "Keras 2.1.6" if isinstance(error, TrainerError) else "ONNX Runtime"
        raise UserError(f"The model can't be checked: {who} does not take it. Received: run={source}: {str(error)[:300]}.") from error
    difference = float(np.abs(ours - theirs).max())
    if not difference <= ALLOWED:
        raise UserError(
            f"The model would not score as it did: by up to {difference:.1e}, over {len(reviews)} reviews, where {ALLOWED:.0e} is allowed. "
            f"Received: run={source}. Give another."
        )
    log.info("import: scores differ from those of Keras 2.1.6 by %.1e at most, over %d reviews", difference, len(reviews))
    return difference
