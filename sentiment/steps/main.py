"""The whole way: prepare, train, evaluate, register."""

import logging
import os

from sentiment import tracking
from sentiment.backends.interpreters import ALL
from sentiment.errors import UserError
from sentiment.preparation import prepared
from sentiment.registry import golden
from sentiment.report import report
from sentiment.reviews import find_source
from sentiment.reviews.batch import TEST
from sentiment.settings import MainSettings, PrepareSettings, RegisterSettings, TrainSettings, part
from sentiment.steps import evaluate, prepare, register, reporting, train

log = logging.getLogger(__name__)


def run(settings: MainSettings) -> None:
    """One parent run, and a child for each step.

    Raises:
        UserError: A parameter or the reviews are not as they should be.
    """
    find_source(part(PrepareSettings, settings))
    ALL[settings.backend].interpreter()
    train.start_model(part(TrainSettings, settings))
    golden.read(settings.golden)
    with tracking.step_run("main", settings) as active:
        parent_id = active.info.run_id
        data = prepare.run(part(PrepareSettings, settings), parent_id)
        made = prepared.read(data.path)
        if not len(made.rows(TEST)):
            raise UserError(f"There is no test split. Received: test_fraction={settings.test_fraction:g}. Give a fraction over 0.")
        active.set_tags({"prepared_run_id": data.run_id, "data_fingerprint": made.data_fingerprint})
        training = part(TrainSettings, settings, prepared=data.run_id)
        trained = train.run(training, parent_id)
        evaluated = evaluate.run(data, trained, parent_id)
        active.log_metrics(trained.summary | evaluated.metrics)
        champion = settings.register and register.run(RegisterSettings(run=trained.run_id, golden=settings.golden), parent_id)
        active.log_text(reporting.page("main", parent_id, training, made, data, trained, evaluated), report.FILE)
    place = f"It is on {tracking.where()}." if os.environ.get("MLFLOW_TRACKING_URI") else "Look at it with: make ui"
    if not settings.register:
        log.info("main: the model is not registered, so no champion. It is with: mlflow run . -e register -P run=%s", trained.run_id)
    log.info("main: the report is %s", tracking.place(active.info, report.FILE))
    done = "done" if champion or not settings.register else "done, but the model did not become the champion"
    log.info("main: %s (run %s). %s", done, parent_id, place)
