"""Raw reviews to `prepared.h5`, in one pass over them."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from sentiment.errors import UserError
from sentiment.preparation import splits
from sentiment.preparation.prefetch import ahead
from sentiment.preparation.prepared import Prepared
from sentiment.ragged import Ragged
from sentiment.reviews import Source
from sentiment.reviews.batch import SPLIT_NAMES, TEST, TRAIN, UNLABELLED
from sentiment.settings import PrepareSettings
from sentiment.text.vocabulary import WordCounter
from sentiment.text.words import find_words

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


def prepare(
    source: Source, settings: PrepareSettings, heard: Callable[[int], None] = lambda size: None
) -> tuple[Prepared, dict[str, float]]:
    """Reads, cleans, splits and numbers the reviews; returns them and their metrics.

    Of the texts, only those of the test split are held in memory; of the others, word numbers. Where the file has no test
    split of its own, it is read twice. A row without words is left out and counted.

    Raises:
        UserError: A row is not as it should be, or a split would lack one of the labels.
    """
    counter = WordCounter(settings.text)
    labels: list[int] = []
    given: list[int] = []
    groups: list[str] = []
    names: dict[str, str] = {}
    held: dict[int, str] = {}
    digests = bytearray()
    other_labels = 0
    for batch, words in ahead(lambda batch: find_words(batch.texts, settings.text), source.read(heard)):
        counter.add(words)
        held.update({len(labels) + at: text for at, text in enumerate(batch.texts) if batch.splits[at] == TEST})
        labels += batch.labels
        given += batch.splits
        groups += batch.groups
        names |= batch.group_names
        other_labels += batch.left_out
        for text in batch.texts:
            digests += hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
    if not labels:
        others = f", {other_labels} rows with other labels than {settings.positive} and {settings.negative}" if other_labels else ""
        raise UserError(f"There are no reviews. Received: reviews={settings.reviews}{others}. Give some, with labels.")
    label, begins, numbered = np.array(labels, np.int8), np.array(given, np.int8), counter.numbered
    worded = np.flatnonzero(numbered.lengths > 0)
    rows = worded[splits.sample(label[worded], begins[worded], settings.sample, settings.seed)]
    fractions = settings.validation_fraction, settings.test_fraction
    equal = _equal_texts(numbered.take(rows))
    of_groups = splits.number_groups(groups, names)[rows]
    assigned = splits.assign(label[rows], begins[rows], equal, of_groups, *fractions, settings.seed)
    method = splits.how(begins[rows], of_groups, assigned)
    left_out = int((assigned[label[rows] >= 0] == splits.LEFT_OUT).sum())
    kept = np.flatnonzero(assigned != splits.LEFT_OUT)
    rows, split = rows[kept], assigned[kept]
    label = label[rows]
    _check(label, split, settings)
    encoder, by_rank = counter.finish(numbered.take(rows), np.flatnonzero(split == TRAIN))
    labelled = split != UNLABELLED
    digest = np.frombuffer(bytes(digests), "V16")[rows[labelled]]
    fingerprint = hashlib.sha256(digest.tobytes() + label[labelled].tobytes() + split[labelled].tobytes()).hexdigest()[:16]
    texts = _texts(source, rows[split == TEST].tolist(), held)
    prepared = Prepared(encoder.tokens(by_rank), by_rank, label, split, encoder, texts, fingerprint, method)
    counts = {
        "rows_without_words": len(labels) - len(worded),
        "rows_with_other_labels": other_labels,
        "rows_in_two_splits": left_out,
        "unlabelled_reviews": int((~labelled).sum()),
    }
    return prepared, counts | summary(prepared)


def _texts(source: Source, rows: list[int], held: dict[int, str]) -> list[str]:
    """The texts of the rows with these numbers; what is not held is read again."""
    missing = set(rows) - held.keys()
    if missing:
        texts = (text for batch in source.read(lambda size: None) for text in batch.texts)
        held |= {row: text for row, text in enumerate(texts) if row in missing}
    return [held[row] for row in rows]


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
    found: dict[str, float] = {
        "vocabulary_words": len(prepared.encoder.vocabulary),
        "words": len(prepared.encoder.more_words) + len(prepared.encoder.vocabulary),
    }
    for number, name in enumerate(SPLIT_NAMES):
        rows = prepared.rows(number)
        found[f"{name}_reviews"] = len(rows)
        if len(rows):
            found[f"{name}_positive_share"] = float(prepared.labels[rows].mean())
    lengths = prepared.tokens.lengths[prepared.split != UNLABELLED]
    found |= {"length_mean": float(lengths.mean()), "length_median": float(np.median(lengths)), "length_longest": float(lengths.max())}
    found["share_cut"] = float((lengths == prepared.encoder.settings.max_length).mean())
    return found
