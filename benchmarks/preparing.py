"""Texts to numbers: how long `prepare` takes against scikit-learn's `CountVectorizer`, and how much memory.

Both are given the same texts, the labelled ones of the source, which are in memory before; both choose their words from the training
texts and number all of them. The second comparison adds to either side the sequences of up to three words: to ours those that `train`
finds and numbers before it weighs them.
"""

import multiprocessing
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer

from benchmarks.common import keep, paired, seconds
from benchmarks.report import Row
from sentiment.preparation import preparing
from sentiment.preparation.prepared import Prepared
from sentiment.reviews import Source, find_source
from sentiment.reviews.batch import TEST, TRAIN, UNLABELLED
from sentiment.settings import PrepareSettings, TrainSettings
from sentiment.text import ngrams
from sentiment.text.ngrams import LEAST, LONGEST

COMMAND = "python -m benchmarks preparing"
PAIRS = 3
SEQUENCES = {"ngram_range": (1, LONGEST), "min_df": LEAST, "binary": True}


def rows(reviews: str) -> list[Row]:
    settings = PrepareSettings(reviews=reviews)
    batches = list(keep(find_source(settings), lambda label, split: label >= 0).read(lambda size: None))
    source = Source(Path(reviews), lambda on_bytes: iter(batches))
    count = len(_prepare(source, settings).labels)  # also warms: Arrow imports pandas, once
    found = []
    for what, against, ours, options in (
        ("prepare", "CountVectorizer, words", _prepare, {}),
        (f"prepare, and n-grams of up to {LONGEST}", f"CountVectorizer, n-grams of up to {LONGEST}", _prepare_ngrams, SEQUENCES),
    ):
        times = paired(
            lambda: seconds(lambda: _count(source, options)),  # noqa: B023
            lambda: seconds(lambda: ours(source, settings)),  # noqa: B023
            PAIRS,
        )
        measured = f"{times.b:.1f} and {times.a:.1f} s for {count:,} reviews, read before"
        found.append(Row(f"speed of {what}", against, times, measured, COMMAND))
    memory, theirs = _memory(_read_and_prepare, reviews), _memory(_read_and_count, reviews)
    labelled, every = _characters(source), _characters(find_source(settings))
    measured = (
        f"{memory / 1e6:.0f} and {theirs / 1e6:.0f} MB above the start, reading included, unlabelled reviews too; "
        f"the texts are {every / 1e6:.0f} million characters, {labelled / 1e6:.0f} of them labelled"
    )
    found.append(Row("memory of prepare (less is better)", "CountVectorizer, words", memory / theirs, measured, COMMAND))
    return found


def _prepare(source: Source, settings: PrepareSettings) -> Prepared:
    return preparing.prepare(source, settings)[0]


def _prepare_ngrams(source: Source, settings: PrepareSettings) -> None:
    data = _prepare(source, settings)
    ngrams.fit(data.words.take(data.rows(TRAIN)), TrainSettings().ngrams).encode(data.words)


def _count(source: Source, options: dict[str, Any]) -> None:
    texts: list[str] = []
    training: list[bool] = []
    for batch in source.read(lambda size: None):
        texts += batch.texts
        training += [split not in (TEST, UNLABELLED) for split in batch.splits]
    counter = CountVectorizer(**options)
    counter.fit([texts[row] for row in np.flatnonzero(training)])
    counter.transform(texts)


def _characters(source: Source) -> int:
    return sum(len(text) for batch in source.read(lambda size: None) for text in batch.texts)


def _read_and_prepare(reviews: str) -> None:
    settings = PrepareSettings(reviews=reviews)
    _prepare(find_source(settings), settings)


def _read_and_count(reviews: str) -> None:
    _count(find_source(PrepareSettings(reviews=reviews)), {})


def _memory(work: Callable[[str], None], reviews: str) -> float:
    """Bytes that it takes at its most, in a process of its own, beyond what that has to begin with."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_most, (work, reviews))


def _most(work: Callable[[str], None], reviews: str) -> float:
    begun = _peak()
    work(reviews)
    return _peak() - begun


def _peak() -> float:
    status = Path("/proc/self/status")
    if status.exists():  # Linux's ru_maxrss counts what the process was before it became this program
        return 1024 * next(float(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
