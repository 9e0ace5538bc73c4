"""What several benchmarks do: take times, compare two things fairly, prepare reviews."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from sentiment.backends.interpreters import ALL
from sentiment.preparation import prepared, preparing
from sentiment.preparation.prepared import Prepared
from sentiment.reviews import Batch, Source, find_source
from sentiment.settings import LANGUAGE_MODEL, NONE, TEACHER, PrepareSettings, TrainSettings, from_text, parameters
from sentiment.training import defaults, language, pretraining, teaching, training
from sentiment.training.epochs import AfterEpoch, go_on
from sentiment.training.trainer_process import Trainer
from sentiment.training.training import Trained
from sentiment.training.word_vectors import WordVectors


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


@dataclass(frozen=True)
class Paired:
    """Two figures measured several times, in turn.

    ratio: of the first to the second, the median of the pairs; low, high: the least and the greatest; a, b: the median of each figure.
    """

    ratio: float
    low: float
    high: float
    a: float
    b: float

    @classmethod
    def of(cls, figures: Sequence[tuple[float, float]]) -> Self:
        """The pairs that were measured, of one unit."""
        ratios = [a / b for a, b in figures]
        a, b = (statistics.median(column) for column in zip(*figures, strict=True))
        return cls(statistics.median(ratios), min(ratios), max(ratios), a, b)


def paired(a: Callable[[], float], b: Callable[[], float], pairs: int = 5) -> Paired:
    """Measures a, b, a, b, …: what else the machine does then comes upon both alike, and the range shows it.

    a, b: each measures one figure, such as a time or a rate, once.
    """
    return Paired.of([(a(), b()) for _ in range(pairs)])


def keep(source: Source, wanted: Callable[[int, int], bool]) -> Source:
    """The source without the reviews whose label and split, as `Batch` has them, are not wanted."""

    def read(heard: Callable[[int], None]) -> Iterator[Batch]:
        for batch in source.read(heard):
            rows = [row for row in zip(batch.texts, batch.labels, batch.splits, batch.groups, strict=True) if wanted(row[1], row[2])]
            texts, labels, splits, groups = map(list, zip(*rows, strict=True)) if rows else ([], [], [], [])
            yield Batch(texts, labels, splits, groups, group_names=batch.group_names)

    return replace(source, read=read)


def prepare(settings: PrepareSettings, path: Path, source: Source | None = None) -> Prepared:
    """Writes `prepared.h5` to the path, and returns what it holds. source: if it is not what the settings name."""
    data, _ = preparing.prepare(source or find_source(settings), settings)
    prepared.write(data, path)
    return data


def changed(settings: TrainSettings, changes: str) -> TrainSettings:
    """changes: `dropout=0.5,batch_size=64`."""
    known = {each.name: each for each in parameters(TrainSettings)}
    pairs = (change.split("=") for change in changes.split(",") if change)
    return replace(settings, **{name: from_text(known[name], value) for name, value in pairs})


def train(settings: TrainSettings, data: Prepared, model: Path, after_epoch: AfterEpoch = go_on) -> Trained:
    """Trains as the step `train` does, in a trainer of its own, without a run. What the network learns first is learned anew.

    after_epoch: gets a teacher's epochs, too.
    """
    settings = defaults.resolve(settings, data)
    ngrams = training.fit_ngrams(data, settings)
    vectors = pretraining.learn_vectors(data, settings) if settings.pretrain != NONE else None
    start: Path | WordVectors | None = vectors
    is_taught = settings.pretrain == TEACHER
    with Trainer(ALL[settings.backend]) as trainer:
        if vectors is not None and ngrams and is_taught:
            start = model.with_name("taught.h5")
            taught = teaching.pseudo_labelled(data, ngrams.train_model)
            pretraining.teach(trainer, data, taught, settings, vectors, start, after_epoch)
        elif vectors is not None and settings.pretrain == LANGUAGE_MODEL:
            start = pretraining.learn_language(trainer, data, language.unlabelled_pieces(data), settings, vectors)
        return training.train(trainer, settings, data, model, after_epoch, start=start, ngrams=ngrams, calibrated=is_taught)
