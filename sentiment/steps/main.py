"""The whole way: prepare, train, evaluate, register."""

import logging

from mlflow.entities import RunInfo

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
from sentiment.tracking import commands, descriptions

REGISTERED = {
    True: "It became the champion of the registered model `sentiment`, which another may be by now.",
    False: "It is registered, and did not become the champion: the run `register` under this one says why.",
}
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
        active.log_datasets(tracking.split_datasets(made, settings.reviews, *tracking.SPLITS))
        training = part(TrainSettings, settings, prepared=data.run_id)
        trained = train.run(training, parent_id, active.log_metrics)
        active.log_output_of(trained.run_id)
        evaluated = evaluate.run(data, trained, parent_id)
        active.log_metrics(trained.summary | evaluated.metrics)
        champion = settings.register and register.run(RegisterSettings(run=trained.run_id, golden=settings.golden), parent_id)
        fate = REGISTERED[champion] if settings.register else "It is not registered."
        note = descriptions.done(settings, made, settings.reviews, trained.summary, evaluated.metrics, fate)
        active.set_tags({tracking.NOTE: note})
        active.log_text(reporting.page("main", parent_id, training, made, data, trained, evaluated), report.FILE)
    log.info("main: the report is %s", tracking.artifact_location(active.info, report.FILE))
    done = "done" if champion or not settings.register else "done, but the model did not become the champion"
    log.info("main: %s (run %s)", done, parent_id)
    _log_next_steps(settings, active.info, trained.run_id, champion)


def _log_next_steps(settings: MainSettings, run: RunInfo, trained: str, champion: bool) -> None:
    steps = [commands.open_page(commands.run_page(run))]
    others = tracking.find_runs("main", most=100)
    if len(others) > 1:
        steps.append((commands.curves_page(run.experiment_id), "beside the others"))
    if len({other.data.params.get("backend") for other in others}) > 1:
        steps.append((commands.entry_point("compare"), "the newest of each backend on one page"))
    if champion:
        steps += [("make serve", "the champion, over HTTP"), (commands.entry_point("score", input="FILE"), "a table of texts")]
    elif not settings.register:
        steps.append((commands.entry_point("register", run=trained), "to have it served, if the gate opens"))
    commands.log_next_steps(*steps)
