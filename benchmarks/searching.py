"""Whether the search searches: how far its trials lie apart, and its best against the default settings and against random search.

All of it by the networks' `val_auc`, as `tune` judges. IMDB: 4,000 of its training reviews, of which 1,000 validate, cut to 100 words;
MPQA: all that is not its test split. A bilstm, 20 trials of at most EPOCHS epochs; random search, without pruning, gets at least as many
epochs altogether. The two begin with the same trials, as they have the same seed. All that is done SEARCHES times, which is an
environment variable (3), a search on each core at a time.

Of the best of 20 trials a part is luck on the reviews that chose it, which is so for random search too, but not for the default
settings.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue

import optuna
from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler
from optuna.trial import TrialState

from benchmarks import jobs
from benchmarks.common import Paired, keep, prepare, seconds
from benchmarks.data_sets import IMDB, DataSet
from benchmarks.report import Row
from sentiment.backends.interpreters import ALL
from sentiment.preparation.prepared import Prepared
from sentiment.reviews import find_source
from sentiment.reviews.batch import TEST
from sentiment.settings import PrepareSettings, TrainSettings, TuneSettings
from sentiment.steps.trial import run as run_trial
from sentiment.training import training
from sentiment.training.trainer_environment import available_cores
from sentiment.training.trainer_process import Trainer
from sentiment.tuning import search

SEEDS = range(1, 1 + int(os.environ.get("SEARCHES", "3")))
TRIALS, EPOCHS = 20, 5
SETTINGS = TuneSettings(epochs=EPOCHS, patience=2, trials=TRIALS)


@dataclass(frozen=True)
class _Search:
    """One search, and what it is compared with, each the network's val_auc.

    trials: each, of a pruned one the last epoch's; pruned: how many of them; best: of the completed ones; epochs: of all trials.
    """

    trials: list[float]
    pruned: int
    best: float
    epochs: int
    random: float
    default: float


def rows(data_set: DataSet, seeds: Sequence[int] = SEEDS) -> list[Row]:
    settings = PrepareSettings(reviews=data_set.reviews, test_fraction=0)
    if data_set is IMDB:
        settings = replace(settings, sample=4000, validation_fraction=0.25, max_length=100)
    source = keep(find_source(settings), lambda label, split: label >= 0 and split != TEST)
    with tempfile.TemporaryDirectory() as folder:
        jobs.track_in(Path(folder))
        path = Path(folder) / "prepared.h5"
        data = prepare(settings, path, source)
        free: SimpleQueue[int] = SimpleQueue()
        for core in available_cores():
            free.put(core)

        def search_with(seed: int) -> _Search:
            core = free.get()
            try:
                with Trainer(ALL["tensorflow"], [core]) as trainer:  # so small a network trains nearly as fast on one core as on two
                    return _search(data_set, seed, trainer, data, path)
            finally:
                free.put(core)

        searches: list[_Search] = []
        with ThreadPoolExecutor(free.qsize()) as pool:
            taken = seconds(lambda: searches.extend(pool.map(search_with, seeds)))
    print(f"{data_set.name}: {len(seeds)} searches in {taken / 60:.0f} min", flush=True)
    return _compare(data_set, searches)


def _search(data_set: DataSet, seed: int, trainer: Trainer, data: Prepared, path: Path) -> _Search:
    storage = search.open_storage(str(path.with_name(f"{seed}.journal")))

    def study_of(name: str) -> tuple[optuna.Study, Callable[[optuna.Trial], float]]:
        """A new study, and how a trial of it is done."""
        job = jobs.start(f"{name} {seed}", SETTINGS, data)
        return search.open_study(storage, job.study, SETTINGS.metric)[0], lambda trial: run_trial(trial, job, lambda backend: trainer)

    study, do = study_of("tune")
    study = search.view(study, seed)
    search.work(study, TRIALS, do, lambda: False)
    epochs = _epochs(study)
    study_of_random, do_random = study_of("random")
    random = optuna.load_study(storage=storage, study_name=study_of_random.study_name, sampler=RandomSampler(seed), pruner=NopPruner())
    while _epochs(random) < epochs:
        search.work(random, len(random.trials) + 1, do_random, lambda: False, ends=(Exception,))
    model = path.with_name(f"{seed}.h5")
    default = TrainSettings(ngrams=0, epochs=SETTINGS.epochs, patience=SETTINGS.patience, seed=seed)
    trained = training.train(trainer, default, data, model)
    found = _Search(
        [each.values[0] for each in study.trials if each.values],
        sum(each.state == TrialState.PRUNED for each in study.trials),
        float(study.best_value),
        epochs,
        float(random.best_value),
        trained.network[SETTINGS.metric],
    )
    print(f"{data_set.name}, seed {seed}: {found}, {len(random.trials)} random trials, {time.strftime('%H:%M')}", flush=True)
    return found


def _epochs(study: optuna.Study) -> int:
    return sum(len(each.intermediate_values) for each in study.trials)


def _compare(data_set: DataSet, searches: list[_Search]) -> list[Row]:
    command = data_set.command("searching")
    spread = "; ".join(f"{min(each.trials):.4f}, {statistics.median(each.trials):.4f}, {max(each.trials):.4f}" for each in searches)
    pruned = ", ".join(f"{each.pruned}" for each in searches)
    epochs = ", ".join(f"{each.epochs}" for each in searches)

    def row(what: str, values: list[float], measured: str) -> Row:
        """Against the best trial of each search, by what is missing to an area of 1."""
        missing = Paired.of([(1 - value, 1 - each.best) for value, each in zip(values, searches, strict=True)])
        return Row(f"1 - val_auc of {what}, {data_set.name}", f"of the best of tune's {TRIALS} trials", missing, measured, command)

    def values(name: str) -> str:
        both = "; ".join(", ".join(f"{getattr(each, column):.4f}" for each in searches) for column in (name, "best"))
        return f"val_auc {both}, up to {EPOCHS} epochs each"

    return [
        row(
            "the middle trial",
            [statistics.median(each.trials) for each in searches],
            f"val_auc least, median, greatest: {spread}; {pruned} pruned",
        ),
        row("the default settings", [each.default for each in searches], values("default")),
        row("random search", [each.random for each in searches], f"{values('random')}; {epochs} epochs altogether"),
    ]
