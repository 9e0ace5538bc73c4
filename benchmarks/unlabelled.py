"""What the unlabelled reviews of IMDB add to the n-grams: `pretrain=true` against `pretrain=false`, without the network.

On the training reviews alone, in three folds of whole films; nothing of the test split is used. Some ten minutes, by name only:
`python -m benchmarks unlabelled`.
"""

import numpy as np

from benchmarks.report import Row
from sentiment import ngram_weights, ngrams, pretraining
from sentiment.ahead import ahead
from sentiment.pretraining import Latent
from sentiment.ragged import Ragged
from sentiment.reviews import find_source
from sentiment.reviews.batch import TEST
from sentiment.settings import PrepareSettings
from sentiment.text import WordCounter, Words, find_words

COMMAND = "python -m benchmarks unlabelled"
FOLDS = 3  # of five


def rows(reviews: str) -> list[Row]:
    settings = PrepareSettings(reviews=reviews, pretrain=True)
    counter = WordCounter(settings.text)
    labels, films = [], []
    for batch, words in ahead(lambda batch: find_words(batch.texts, settings.text), find_source(settings).read(lambda size: None)):
        kept = np.flatnonzero(np.array(batch.splits) != TEST)
        counter.add(Words(words.distinct, words.rows.take(kept)))
        labels += [batch.labels[row] for row in kept]
        films += [batch.groups[row] for row in kept]
    numbers, label, film = counter.numbered, np.array(labels), np.array(films)
    ranked = Ragged(numbers.ids + 1, numbers.offsets)  # 0 is an unknown word
    fold = np.random.default_rng(1).permutation(film.max() + 1)[film] % (FOLDS + 2)
    results = [_fold(ranked, label, np.flatnonzero((fold == number) & (label >= 0)), settings) for number in range(FOLDS)]
    before, after = np.mean(results, axis=0)
    told = "; ".join(f"{one:.4f} and {other:.4f}" for one, other in results)
    return [Row("errors of the n-grams alone, `pretrain=false`", "`pretrain=true`", (1 - before) / (1 - after), told, COMMAND)]


def _fold(ranked: Ragged, labels: np.ndarray, held_out: np.ndarray, settings: PrepareSettings) -> tuple[float, float]:
    """Accuracy on some held-out reviews, without and with the unlabelled ones."""
    train = np.setdiff1d(np.flatnonzero(labels >= 0), held_out)
    known = ngrams.fit(ranked.take(train), settings.ngrams)
    taught, asked, unlabelled = (known.encode(ranked.take(rows)) for rows in (train, held_out, np.flatnonzero(labels < 0)))
    latent = Latent(taught, unlabelled, len(known), settings.seed)
    without = ngram_weights.fit(taught, labels[train], len(known))
    having = pretraining.fit(taught, labels[train], latent, len(known))
    right = [float(((weights.logits(asked) > 0) == (labels[held_out] == 1)).mean()) for weights in (without, having)]
    return right[0], right[1]
