"""What the unlabelled reviews of IMDB add to the n-grams, by self-training: those that the model is sure of teach it again.

On the training reviews alone, in three folds of whole films; the test split is not read. Some ten minutes, by name only:
`python -m benchmarks unlabelled`.
"""

import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.report import Row
from sentiment import ngram_weights, ngrams
from sentiment.ahead import ahead
from sentiment.ngram_weights import NgramWeights
from sentiment.ragged import Ragged, concatenate
from sentiment.reviews import find_source
from sentiment.reviews.aclimdb import place
from sentiment.reviews.batch import BATCH_SIZE, TRAIN
from sentiment.settings import PrepareSettings, TextSettings
from sentiment.text import WordCounter, find_words

COMMAND = "python -m benchmarks unlabelled"
FOLDS = 3
ROUNDS = 2
SURE = 0.95  # of a label, to teach it


def rows(reviews: str) -> list[Row]:
    archive = find_source(PrepareSettings(reviews=reviews)).path
    settings = TextSettings()
    counter = WordCounter(settings)
    labels, films = [], []
    for (_, found), words in ahead(lambda batch: find_words(batch[0], settings), _read(archive)):
        counter.add(words)
        labels += [label for label, _ in found]
        films += [film for _, film in found]
    numbers, label, film = counter.numbered, np.array(labels), np.array(films)
    ranked = Ragged(numbers.ids + 1, numbers.offsets)  # 0 is an unknown word
    fold = np.random.default_rng(1).permutation(film.max() + 1)[film] % (FOLDS + 2)  # of five, three are measured
    results = [_fold(ranked, label, np.flatnonzero(fold == number)) for number in range(FOLDS)]
    before, after = np.mean(results, axis=0)
    told = "; ".join(f"{one:.4f} and {other:.4f}" for one, other in results)
    return [Row("errors of the n-grams, labelled alone", "self-training on the unlabelled", (1 - before) / (1 - after), told, COMMAND)]


def _fold(ranked: Ragged, labels: np.ndarray, held_out: np.ndarray) -> tuple[float, float]:
    """Accuracy on the labelled ones among some held-out reviews, without and with the unlabelled ones."""
    held_out = held_out[labels[held_out] >= 0]
    train = np.setdiff1d(np.flatnonzero(labels >= 0), held_out)
    without = np.flatnonzero(labels < 0)
    taught = np.concatenate([train, without])
    accuracies = []
    for rows in (train, taught):
        known = ngrams.fit(ranked.take(rows), TextSettings().ngrams)
        parts = {name: known.encode(ranked.take(of)) for name, of in (("train", train), ("held_out", held_out), ("without", without))}
        found = ngram_weights.fit(parts["train"], labels[train], len(known))
        for _ in range(ROUNDS if len(rows) > len(train) else 0):
            said = _logits(found, parts["without"])
            sure = np.flatnonzero(np.abs(said) > np.log(SURE / (1 - SURE)))
            both = concatenate([parts["train"], parts["without"].take(sure)])
            found = ngram_weights.fit(both, np.concatenate([labels[train], said[sure] > 0]), len(known))
        accuracies.append(float(((_logits(found, parts["held_out"]) > 0) == (labels[held_out] == 1)).mean()))
    return accuracies[0], accuracies[1]


def _logits(weights: NgramWeights, reviews: Ragged) -> np.ndarray:
    said = np.concatenate([[0], np.cumsum((weights.ratios * weights.weights)[reviews.ids], dtype=np.float64)])
    return np.asarray(weights.bias + np.diff(said[reviews.offsets]))


def _read(archive: Path) -> Iterator[tuple[list[str], list[tuple[int, int]]]]:
    """Texts of the training split, and label (-1: none) and film group of each."""
    texts: list[str] = []
    found: list[tuple[int, int]] = []
    with tarfile.open(archive, "r|*") as stream:
        for member in stream:
            stream.members.clear()  # type: ignore[attr-defined]  # as in aclimdb
            where = place(member.name.replace("/unsup/", "/neg/"))
            if not where or where[1] != TRAIN:
                continue
            file = stream.extractfile(member)
            assert file
            texts.append(file.read().decode())
            found.append((-1 if "/unsup/" in member.name else where[0], where[2]))
            if len(texts) == BATCH_SIZE:
                yield texts, found
                texts, found = [], []
    yield texts, found
