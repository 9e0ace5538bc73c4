"""Texts to token ids: how long it takes against scikit-learn's `CountVectorizer`, fitted on the training texts, on all of them.

And how much memory it takes."""

import multiprocessing
import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer

from benchmarks.common import seconds
from benchmarks.report import Row
from sentiment import preparing
from sentiment.ahead import ahead
from sentiment.ngrams import LEAST
from sentiment.reviews import find_source
from sentiment.reviews.batch import BATCH_SIZE, TEST
from sentiment.settings import PrepareSettings, TextSettings
from sentiment.text import WordCounter, find_words

COMMAND = "python -m benchmarks preparing"


def rows(reviews: str) -> list[Row]:
    texts, train = _read(reviews)
    _number(texts[:BATCH_SIZE], np.arange(BATCH_SIZE), TextSettings(ngrams=0))  # Arrow imports pandas, once
    found = []
    for what, settings, options in (
        ("words", TextSettings(ngrams=0), {}),
        ("words and n-grams of up to 3", TextSettings(), {"ngram_range": (1, 3), "min_df": LEAST, "binary": True}),
    ):
        ours = seconds(lambda: _number(texts, train, settings))  # noqa: B023
        theirs = seconds(lambda: _count(texts, train, options))  # noqa: B023
        measured = f"{ours:.1f} s, {theirs:.1f} s for {len(texts):,} reviews"
        found.append(Row(f"prepare, {what}", "CountVectorizer, the same", theirs / ours, measured, COMMAND))
    ours, theirs = _memory(_prepare, reviews), _memory(_read_and_count, reviews)
    measured = (
        f"{ours / 1e6:.0f} and {theirs / 1e6:.0f} MB above the start; the texts alone {sum(map(len, texts)) / 1e6:.0f} million characters"
    )
    found.append(Row("memory of prepare, words (less is better)", "CountVectorizer, the same", ours / theirs, measured, COMMAND))
    return found


def _read(reviews: str) -> tuple[list[str], np.ndarray]:
    """All the texts, and the rows that are not of the test split."""
    texts: list[str] = []
    training: list[bool] = []
    for batch in find_source(PrepareSettings(reviews=reviews)).read(lambda size: None):
        texts += batch.texts
        training += [split != TEST for split in batch.splits]
    return texts, np.flatnonzero(training)


def _number(texts: list[str], train: np.ndarray, settings: TextSettings) -> None:
    counter = WordCounter(replace(settings, vocabulary_size=5000))
    batches = (texts[at : at + BATCH_SIZE] for at in range(0, len(texts), BATCH_SIZE))
    for _, words in ahead(lambda batch: find_words(batch, settings), batches):
        counter.add(words)
    counter.finish(counter.numbered, train)


def _count(texts: list[str], train: np.ndarray, options: dict[str, object]) -> None:
    counter = CountVectorizer(**options)
    counter.fit([texts[row] for row in train])
    counter.transform(texts)


def _prepare(reviews: str) -> None:
    settings = PrepareSettings(reviews=reviews, ngrams=0)
    preparing.prepare(find_source(settings), settings)


def _read_and_count(reviews: str) -> None:
    _count(*_read(reviews), {})


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
