"""Raw reviews to `prepared.h5`, tracked, and not done twice."""

import logging
import shutil

import mlflow
import numpy as np

from sentiment import tracking
from sentiment.plots import reviews as review_plots
from sentiment.plots import style
from sentiment.preparation import prepared, preparing
from sentiment.preparation.prepared import Prepared
from sentiment.progress import Bar
from sentiment.reviews import Source, find_source
from sentiment.settings import PrepareSettings
from sentiment.steps import prepared_runs
from sentiment.steps.prepared_runs import FILE, PreparedRun
from sentiment.tracking import commands, descriptions

PICTURE = "review_lengths.png"
log = logging.getLogger(__name__)


def run(settings: PrepareSettings, parent: str | None = None) -> PreparedRun:
    """Prepares the reviews, or takes over what an earlier run made of the same reviews with the same settings and text code.

    Under a parent, an earlier run serves as it is; by itself, the step has a run of its own, which then is complete too.

    Raises:
        UserError: The reviews can't be had or read, or are too few.
    """
    source = find_source(settings)
    recipe = preparing.recipe(source, settings)
    earlier = tracking.made_before("prepare", prepared_runs.of_run, recipe=recipe)
    if earlier and parent:
        log.info("prepare: nothing to do, run %s did the same", earlier.run_id)
        return earlier
    if not earlier:
        log.info("prepare: reading %s: %s", source.path.name, source.reading)
    with tracking.step_run("prepare", settings, parent, recipe=recipe, reading=source.reading) as active, tracking.work_folder() as folder:
        run_id, path = active.info.run_id, folder / FILE
        if earlier:
            log.info("prepare: took the result of run %s, which did the same", earlier.run_id)
            active.set_tags({"reused_run_id": earlier.run_id})
            shutil.copyfile(earlier.path, path)
            made = prepared.read(path)
            metrics = dict(mlflow.get_run(earlier.run_id).data.metrics)
        else:
            made, metrics = _prepare(source, settings)
            prepared.write(made, path)
        active.log_metrics(metrics)
        active.set_tags({"data_fingerprint": made.data_fingerprint, "split_method": made.split_method})
        active.log_datasets({"training": tracking.all_reviews(made, source.path)})
        active.set_tags({tracking.NOTE: descriptions.prepared(made, settings.reviews, run_id)})
        labelled = np.flatnonzero(made.labels >= 0)
        lengths = made.tokens.lengths[labelled]
        picture = review_plots.lengths(lengths, made.labels[labelled], settings.max_length)
        (folder / PICTURE).write_bytes(style.png(picture))
        active.log_file(folder / PICTURE)
        active.log_file(path)
    sizes = ", ".join(f"{int(metrics[f'{name}_reviews']):,} {name}" for name in ("train", "validation", "test"))
    if metrics["unlabelled_reviews"]:
        sizes += f", {int(metrics['unlabelled_reviews']):,} unlabelled"
    log.info("prepare: %s reviews, %s words (run %s)", sizes, f"{int(metrics['vocabulary_words']):,}", run_id)
    log.info("prepare: splits: %s", made.split_method)
    left_out = {
        "rows_without_words": "without words",
        "rows_with_other_labels": "with other labels",
        "rows_in_two_splits": "that also stand in a split that measures",
    }
    for name, what in left_out.items():
        if metrics.get(name):
            log.info("prepare: left out %s rows %s", f"{int(metrics[name]):,}", what)
    if parent is None:
        commands.log_next_steps((commands.entry_point("train", prepared=run_id), "a model of them"))
    return PreparedRun(run_id, path, settings.reviews)


def _prepare(source: Source, settings: PrepareSettings) -> tuple[Prepared, dict[str, float]]:
    with Bar("prepare", source.size, "bytes") as bar:
        return preparing.prepare(source, settings, bar.set)
