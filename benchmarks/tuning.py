"""What a trial of a search costs beside its training, and what a second worker brings."""

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks import common, jobs
from benchmarks.common import Paired, paired
from benchmarks.report import Row
from sentiment.backends.interpreters import ALL
from sentiment.preparation.prepared import Prepared
from sentiment.settings import Choices, PrepareSettings, Range, TuneSettings
from sentiment.steps import trial
from sentiment.training.trainer_environment import available_cores
from sentiment.training.trainer_process import Trainer
from sentiment.tuning import search

COMMAND = "python -m benchmarks tuning"
TRIALS = 6  # of one measurement
PAIRS = 5
SETTINGS = TuneSettings(  # every trial is the same but for a hair's breadth of dropout
    architecture=Choices(["cnn"]), embedding_size=Range(50, 50), filters=Range(250, 250), kernel_size=Range(3, 3),
    dense_size=Range(250, 250), learning_rate=Range(0.002, 0.002), batch_size=Range(32, 32), dropout=Range(0.3, 0.3001),
    epochs=3, patience=3,
)  # fmt: skip


class TimedTrainer(Trainer):
    """Knows how many seconds it trained."""

    seconds = 0.0

    def train(self, *arguments: Any, **options: Any) -> int:
        begun = time.perf_counter()
        try:
            return super().train(*arguments, **options)
        finally:
            self.seconds += time.perf_counter() - begun


def rows(settings: PrepareSettings) -> list[Row]:
    """On the bundled reviews; no trial is pruned."""
    with tempfile.TemporaryDirectory() as folder:
        jobs.track_in(Path(folder))
        path = Path(folder) / "prepared.h5"
        data = common.prepare(settings, path)
        first, *others = available_cores()
        cores = {"one": [first], "two": [first, *others[:1]]}
        with ExitStack() as stack:
            trainers = {name: [stack.enter_context(TimedTrainer(ALL["tensorflow"], [core])) for core in of] for name, of in cores.items()}
            one, two = (_Search(name, of, data, path) for name, of in trainers.items())
            both = paired(one.seconds, two.seconds, PAIRS)
    beside = Paired.of(one.measured)
    cost = f"{(beside.a - beside.b) / TRIALS:.2f} s beside it"
    found = [Row("a trial (less is better)", "its training alone", beside, cost, COMMAND)]
    if others:
        what = "two workers at one core each", "one worker at one core"
        found.append(Row(*what, both, f"{both.a:.1f} and {both.b:.1f} s for {TRIALS} equal trials", COMMAND))
    return found


class _Search:
    """A study with a worker for each trainer, each trainer warmed. measured: seconds of TRIALS trials, and of training in them."""

    def __init__(self, name: str, trainers: list[TimedTrainer], data: Prepared, path: Path) -> None:
        self._study, _ = search.open_study(search.open_storage(str(path.with_name(name))), name, SETTINGS.metric)
        self._job = jobs.start(name, SETTINGS, data)
        self._trainers = trainers
        self.measured: list[tuple[float, float]] = []
        self._do(len(trainers))

    def seconds(self) -> float:
        """Of TRIALS more trials."""
        before = sum(trainer.seconds for trainer in self._trainers)
        seconds = common.seconds(lambda: self._do(len(self._study.trials) + TRIALS))
        self.measured.append((seconds, sum(trainer.seconds for trainer in self._trainers) - before))
        return seconds

    def _do(self, wanted: int) -> None:
        """Trials until the study has as many."""

        def work(trainer: Trainer) -> None:
            view = search.view(self._study, 1, prune=False)
            search.work(view, wanted, lambda suggested: trial.run(suggested, self._job, lambda backend: trainer), self._job.stopping)

        with ThreadPoolExecutor(len(self._trainers)) as pool:
            for done in [pool.submit(work, trainer) for trainer in self._trainers]:
                done.result()
