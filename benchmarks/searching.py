"""Whether the search searches: best validation AUC after 20 trials, against random search that trains as many epochs altogether.

Takes an hour, so `make bench` leaves it out: `python -m benchmarks searching`. 4,000 IMDB reviews, of which 1,000 validate, five seeds
for each. Short reviews, one LSTM and no n-grams, which would hide what the search is about: the sizes of the network.
"""

import os
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler

from benchmarks.common import prepare
from benchmarks.report import Row
from sentiment import search, training
from sentiment.backends import ALL
from sentiment.prepared import Prepared
from sentiment.settings import PrepareSettings, TrainSettings, TuneSettings, part
from sentiment.trainer_process import Trainer, available_cores

COMMAND = "python -m benchmarks searching"
SEEDS = (1, 2, 3, 4, 5)
TRIALS = 20
SETTINGS = TuneSettings(architecture="lstm", epochs=8, patience=2)
PREPARE = PrepareSettings(sample=8000, validation_fraction=0.25, max_length=100, ngrams=0)  # half of them is IMDB's test split


def rows(reviews: str, seeds: Sequence[int] = SEEDS, trials: int = TRIALS) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "prepared.h5"
        data = prepare(replace(PREPARE, reviews=reviews), path)
        begun = time.perf_counter()
        cores = available_cores()
        with ThreadPoolExecutor(len(cores)) as pool:  # so small a network trains as fast on one core as on two
            shares = [pool.submit(_compare, seeds[number :: len(cores)], core, data, path, trials) for number, core in enumerate(cores)]
        found = [values for share in shares for values in share.result()]
        hours = (time.perf_counter() - begun) / 3600
    tpe, random = zip(*found, strict=True)
    missed = (1 - np.mean(random)) / (1 - np.mean(tpe))
    told = "; random ".join(", ".join(f"{value:.4f}" for value in values) for values in (tpe, random))
    measured = f"val_auc {told}; {hours:.1f} h"
    return [Row("1 - val_auc of random search", "of tune, the same epochs altogether", float(missed), measured, COMMAND)]


def _compare(seeds: Sequence[int], core: int, data: Prepared, path: Path, trials: int) -> list[tuple[float, float]]:
    """The best value of tune's search and of a random one, for each seed."""
    found = []
    with Trainer(ALL[SETTINGS.backend], [core]) as trainer:
        for seed in seeds:
            study, _ = search.open_study(search.open_storage(str(path.with_name(f"{seed}.journal"))), "s", SETTINGS.metric)
            ours = _Searching(trainer, data, path, search.view(study, seed), trials, None)
            random = optuna.create_study(direction=study.direction, sampler=RandomSampler(seed), pruner=NopPruner())
            theirs = _Searching(trainer, data, path, random, None, ours.epochs)
            print(f"seed {seed}: {ours.epochs} epochs, best {ours.best:.4f}, random {theirs.best:.4f}", flush=True)
            found.append((ours.best, theirs.best))
    return found


class _Searching:
    """One search: so many trials, or until so many epochs are trained. best: its best value; epochs: all that it trained."""

    def __init__(self, trainer: Trainer, data: Prepared, path: Path, study: optuna.Study, trials: int | None, epochs: int | None) -> None:
        self._trainer, self._data, self._path = trainer, data, path
        self._limit, self.epochs = epochs, 0
        while len(study.trials) < (trials or 10_000) and (epochs is None or self.epochs < epochs):
            study.optimize(self._try, n_trials=1)
        self.best = float(study.best_value)

    def _try(self, trial: optuna.Trial) -> float:
        settings = part(TrainSettings, SETTINGS, **search.suggest(trial, SETTINGS))
        pruned = False

        def after_epoch(epoch: int, metrics: dict[str, float]) -> bool:
            nonlocal pruned
            self.epochs += 1
            trial.report(metrics[SETTINGS.metric], epoch)
            pruned = bool(trial.should_prune())
            return pruned or (self._limit is not None and self.epochs >= self._limit)

        model = self._path.with_name(f"model-{threading.get_ident()}.h5")
        trained = training.train(self._trainer, settings, self._data, self._path, model, after_epoch)
        os.unlink(model)
        if pruned:
            raise optuna.TrialPruned
        return trained.best[SETTINGS.metric]
