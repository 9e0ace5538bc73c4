"""Raw reviews to `prepared.h5`, in one pass over them."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from sentiment.callbacks import Progress, unseen
from sentiment.errors import UserError
from sentiment.preparation import splits
from sentiment.preparation.prefetch import prefetch
from sentiment.preparation.prepared import Prepared
from sentiment.ragged import Ragged
from sentiment.reviews import Source
from sentiment.reviews.batch import SPLIT_NAMES, TEST, TRAIN, UNLABELLED, Batch, OnBytes
from sentiment.settings import PrepareSettings
from sentiment.text.vocabulary import WordCounter
from sentiment.text.words import Words, find_words

CODE = ("ragged.py", "text/*.py", "reviews/*.py", "preparation/*.py")


def recipe(source: Source, settings: PrepareSettings) -> str:
    """SHA-256 of all that the result follows from: the data, the settings and the code that turns texts into ids."""
    total = hashlib.sha256(source.fingerprint().encode())
    total.update(json.dumps(asdict(settings) | {"reviews": ""}, sort_keys=True).encode())
    here = Path(__file__).parent.parent
    for pattern in CODE:
        for file in sorted(here.glob(pattern)):
            total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


@dataclass
class _Reviews:
    """What a source was read to, a row for each review.

    counter: the words of each; labels: 0 or 1, -1 for none; splits: those that the source has; groups: what each is about; group_names:
    where groups go by several names; test_texts: by row; digests: 16 bytes for each text; other_labels: rows that were left out.
    """

    counter: WordCounter
    labels: list[int] = field(default_factory=list)
    splits: list[int] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    group_names: dict[str, str] = field(default_factory=dict)
    test_texts: dict[int, str] = field(default_factory=dict)
    digests: bytearray = field(default_factory=bytearray)
    other_labels: int = 0

    def add(self, batch: Batch, words: Words) -> None:
        self.counter.add(words)
        self.test_texts |= {len(self.labels) + at: text for at, text in enumerate(batch.texts) if batch.splits[at] == TEST}
        self.labels += batch.labels
        self.splits += batch.splits
        self.groups += batch.groups
        self.group_names |= batch.group_names
        self.other_labels += batch.left_out
        for text in batch.texts:
            self.digests += hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()


@dataclass(frozen=True)
class _Split:
    """The rows that are used, and their splits.

    Attributes:
        rows: `<int64>[reviews]`.
        labels, splits: Theirs, `<int8>[reviews]`.
        method: How the splits were drawn.
        left_out: How many labelled rows are not used, since they would be in two splits.
    """

    rows: np.ndarray
    labels: np.ndarray
    splits: np.ndarray
    method: str
    left_out: int


def prepare(source: Source, settings: PrepareSettings, progress: Progress = unseen) -> tuple[Prepared, dict[str, float]]:
    """Reads, cleans, splits and numbers the reviews; returns them and their metrics.

    Of the texts, only those of the test split are kept in memory; of the others, word numbers. Where the file has no test
    split of its own, it is read twice. A row without words is left out and counted.

    progress: gets the bytes that are read, and their number.

    Raises:
        UserError: A row is not as it should be, or a split would lack one of the labels.
    """
    size = source.size
    reviews = _read(source, settings, _counted(progress, 0, size))
    numbered = reviews.counter.numbered
    with_words = np.flatnonzero(numbered.lengths > 0)
    split = _split(reviews, numbered, with_words, settings)
    encoder, by_rank = reviews.counter.finish(numbered.take(split.rows), np.flatnonzero(split.splits == TRAIN))
    texts = _texts(source, split.rows[split.splits == TEST].tolist(), reviews.test_texts, _counted(progress, size, 2 * size))
    fingerprint = _fingerprint(reviews.digests, split)
    prepared = Prepared(encoder.tokens(by_rank), by_rank, split.labels, split.splits, encoder, texts, fingerprint, split.method)
    counts = {
        "rows_without_words": len(reviews.labels) - len(with_words),
        "rows_with_other_labels": reviews.other_labels,
        "rows_in_two_splits": split.left_out,
        "unlabelled_reviews": int((split.splits == UNLABELLED).sum()),
    }
    return prepared, counts | summary(prepared)


def _counted(progress: Progress, done: int, of: int) -> OnBytes:
    """Sums what is read. done: so far."""

    def on_bytes(size: int) -> None:
        nonlocal done
        done += size
        progress(done, of)

    return on_bytes


def _read(source: Source, settings: PrepareSettings, on_bytes: OnBytes) -> _Reviews:
    reviews = _Reviews(WordCounter(settings.text))
    for batch, words in prefetch(lambda batch: find_words(batch.texts, settings.text), source.read(on_bytes)):
        reviews.add(batch, words)
    if not reviews.labels:
        others = f", {reviews.other_labels} rows with other labels than {settings.positive} and {settings.negative}"
        received = settings.reviews + others * (reviews.other_labels > 0)
        raise UserError(f"There are no reviews. Received: reviews={received}. Give some, with labels.")
    return reviews


def _split(reviews: _Reviews, numbered: Ragged, with_words: np.ndarray, settings: PrepareSettings) -> _Split:
    labels, original = np.array(reviews.labels, np.int8), np.array(reviews.splits, np.int8)
    rows = with_words[splits.sample(labels[with_words], original[with_words], settings.sample, settings.seed)]
    equal = _equal_texts(numbered.take(rows))
    groups = splits.number_groups(reviews.groups, reviews.group_names)[rows]
    fractions = settings.validation_fraction, settings.test_fraction
    assigned = splits.assign(labels[rows], original[rows], equal, groups, *fractions, settings.seed)
    method = splits.how(original[rows], groups, assigned)
    left_out = assigned == splits.LEFT_OUT
    twice = int((left_out & (labels[rows] >= 0)).sum())
    split = _Split(rows[~left_out], labels[rows[~left_out]], assigned[~left_out], method, twice)
    _check(split.labels, split.splits, settings)
    return split


def _fingerprint(digests: bytearray, split: _Split) -> str:
    """The same for the same labelled texts with the same labels in the same splits."""
    labelled = split.splits != UNLABELLED
    texts = np.frombuffer(bytes(digests), "V16")[split.rows[labelled]]
    content = texts.tobytes() + split.labels[labelled].tobytes() + split.splits[labelled].tobytes()
    return hashlib.sha256(content).hexdigest()[:16]


def _texts(source: Source, rows: list[int], test_texts: dict[int, str], on_bytes: OnBytes) -> list[str]:
    """The texts of the rows with these numbers; those that are not in `test_texts` are read again."""
    missing = set(rows) - test_texts.keys()
    if missing:
        texts = (text for batch in source.read(on_bytes) for text in batch.texts)
        test_texts |= {row: text for row, text in enumerate(texts) if row in missing}
    return [test_texts[row] for row in rows]


def _equal_texts(numbered: Ragged) -> np.ndarray:
    """`<int64>[reviews]`: equal where the words are, so that another punctuation makes no other review."""
    known: dict[bytes, int] = {}
    return np.array(
        [known.setdefault(hashlib.blake2b(numbered.row(i).tobytes(), digest_size=16).digest(), i) for i in range(len(numbered))], np.int64
    )


def _check(labels: np.ndarray, split: np.ndarray, settings: PrepareSettings) -> None:
    for number, name in enumerate(SPLIT_NAMES):
        present = labels[split == number]
        if number == TEST and settings.test_fraction == 0 and not len(present):
            continue
        for label, word in ((0, "negative"), (1, "positive")):
            if not (present == label).any():
                raise UserError(
                    f"The {name} split would have no {word} review. Received: {len(labels)} usable reviews in {settings.reviews}, "
                    f"sample={settings.sample}, validation_fraction={settings.validation_fraction:g}, "
                    f"test_fraction={settings.test_fraction:g}. Give more reviews of both labels, or other fractions."
                )


def summary(prepared: Prepared) -> dict[str, float]:
    """Counts, balance and lengths, as metrics."""
    metrics: dict[str, float] = {
        "vocabulary_words": len(prepared.encoder.vocabulary),
        "words": len(prepared.encoder.more_words) + len(prepared.encoder.vocabulary),
    }
    for number, name in enumerate(SPLIT_NAMES):
        rows = prepared.rows(number)
        metrics[f"{name}_reviews"] = len(rows)
        if len(rows):
            metrics[f"{name}_positive_share"] = float(prepared.labels[rows].mean())
    lengths = prepared.tokens.lengths[prepared.split != UNLABELLED]
    metrics |= {"length_mean": float(lengths.mean()), "length_median": float(np.median(lengths)), "length_longest": float(lengths.max())}
    metrics["share_cut"] = float((lengths == prepared.encoder.settings.max_length).mean())
    return metrics
