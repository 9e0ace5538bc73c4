"""What a trial of a search costs beside its training, and what a second worker brings."""

import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import mlflow

from benchmarks.report import Row
from sentiment import prepared, search, tracking
from sentiment.backends import ALL
from sentiment.settings import PrepareSettings, Range, TuneSettings
from sentiment.steps import prepare, trial
from sentiment.trainer_process import Trainer, available_cores

COMMAND = "python -m benchmarks tuning"
TRIALS = 16


class TimedTrainer(Trainer):
    """Knows how long it trained."""

    seconds = 0.0

    def train(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        begun = time.perf_counter()
        try:
            return super().train(*arguments, **options)
        finally:
            self.seconds += time.perf_counter() - begun


def rows() -> list[Row]:
    """On the bundled reviews; every trial has the same settings but for a hair's breadth of dropout, and none is pruned."""
    with tempfile.TemporaryDirectory() as folder:
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        mlflow.set_experiment(experiment_id=mlflow.create_experiment("benchmark", f"file://{folder}/artifacts"))
        data = prepare.run(PrepareSettings())
        settings = TuneSettings(
            architecture="cnn", embedding_size=Range(50, 50), lstm_size=Range(64, 64), learning_rate=Range(0.002, 0.002),
            batch_size=Range(32, 32), dropout=Range(0.3, 0.3001), epochs=3, patience=3,
        )  # fmt: skip
        first, *others = available_cores()
        wall, trained = _search(Path(folder), "one", settings, data, [[first]])
        beside = (wall - trained) / TRIALS
        found = [Row("a trial (less is better)", "its training alone", wall / trained, f"{beside:.2f} s beside it", COMMAND)]
        if others:
            two, _ = _search(Path(folder), "two", settings, data, [[first], [others[0]]])
            measured = f"{wall:.1f} and {two:.1f} s for {TRIALS} equal trials"
            found.append(Row("two workers at one core each", "one worker at one core", wall / two, measured, COMMAND))
    return found


def _search(folder: Path, name: str, settings: TuneSettings, data: prepare.PreparedRun, shares: list[list[int]]) -> tuple[float, float]:
    """Seconds that the trials took, and seconds of training in them, without the one that warms each trainer."""
    study, _ = search.open_study(search.open_storage(str(folder / name)), name, settings.metric)
    study.set_user_attr("benchmark", True)
    with tracking.step_run("tune", settings, study=name) as parent:
        job = trial.Job(settings, name, parent.info.run_id, prepared.read(data.path), data.path, {}, lambda: False)
        trainers = [TimedTrainer(ALL[settings.backend], cores) for cores in shares]
        _work(study, job, trainers, len(trainers))
        before, begun = sum(trainer.seconds for trainer in trainers), time.perf_counter()
        _work(study, job, trainers, len(trainers) + TRIALS)
        seconds = time.perf_counter() - begun, sum(trainer.seconds for trainer in trainers) - before
        for trainer in trainers:
            trainer.close()
    return seconds


def _work(study: Any, job: trial.Job, trainers: list[TimedTrainer], wanted: int) -> None:
    def work(trainer: Trainer) -> None:
        search.work(search.view(study, 1, prune=False), wanted, lambda suggested: trial.run(suggested, job, trainer), job.stopping)

    threads = [threading.Thread(target=work, args=(trainer,)) for trainer in trainers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
