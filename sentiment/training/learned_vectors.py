"""Word vectors from texts without labels: the positive pointwise mutual information of words that stand near each other, factored.

Levy & Goldberg (2014) showed that word2vec factors such a matrix by steps; here it is counted and factored as a whole, by a randomized
singular value decomposition (Halko, Martinsson & Tropp 2011), with the smoothed contexts and the square root of the singular values of
Levy, Goldberg & Dagan (2015). The same texts and seed give the same vectors.
"""

from collections.abc import Callable

import numpy as np
import scipy.sparse

from sentiment.callbacks import Progress, unseen
from sentiment.ragged import Ragged
from sentiment.text.vocabulary import FIRST_WORD
from sentiment.training.word_vectors import WordVectors

WINDOW = 5  # words on either side; the nearest counts 1, the next 1/2, ...
SMOOTHING = 0.75  # power of the contexts' counts
SPREAD = 0.1  # standard deviation of the numbers of all vectors
PIECE = 1 << 20  # words counted at a time
ROUNDS, BEYOND = 6, 10  # of the decomposition, and the columns that it has beyond those that are kept


def learn(texts: Ragged, words: int, size: int, seed: int, progress: Progress = unseen) -> WordVectors:
    """Vectors of the words numbered from 1 to `words`, in texts of word numbers; all other numbers are of no account.

    A word that stands near none of them has no vector. size: numbers of a vector; progress: gets the parts that are done, and how
    many there are.
    """
    pieces = -(-len(texts.ids) // PIECE)
    of = pieces + ROUNDS + 1
    information = _positive_information(_near(texts, words, lambda done: progress(done, of)))
    known = np.flatnonzero(np.diff(information.indptr)).astype(np.int32)
    if not len(known):
        return WordVectors(known, np.empty((0, size), np.float32))
    vectors = _factor(information, min(size, words), seed, lambda done: progress(pieces + done, of))[known]
    vectors = np.pad(vectors * (SPREAD / vectors.std()), ((0, 0), (0, size - vectors.shape[1])))
    progress(of, of)
    return WordVectors(known + FIRST_WORD, vectors.astype(np.float32))


def _near(texts: Ragged, words: int, progress: Callable[[int], None]) -> scipy.sparse.csr_array:
    """How often each word stands near each other one, near ones counting more: `<float32>[words, words]`, symmetric."""
    counts = scipy.sparse.csr_array((words, words), dtype=np.float32)
    text = np.repeat(np.arange(len(texts), dtype=np.int32), texts.lengths)
    for done, begin in enumerate(range(0, len(texts.ids), PIECE), 1):
        columns = []
        for distance in range(1, WINDOW + 1):
            end = max(min(begin + PIECE, len(texts.ids) - distance), begin)
            first, second = texts.ids[begin:end], texts.ids[begin + distance : end + distance]
            near = (text[begin:end] == text[begin + distance : end + distance]) & (first > 0) & (second > 0)
            near &= (first <= words) & (second <= words)
            columns.append((first[near] - 1, second[near] - 1, np.full(near.sum(), 1 / distance, np.float32)))
        first, second, weights = (np.concatenate(parts) for parts in zip(*columns, strict=True))
        counts = counts + scipy.sparse.coo_array((weights, (first, second)), shape=counts.shape).tocsr()
        progress(done)
    return (counts + counts.T).tocsr()


def _positive_information(counts: scipy.sparse.csr_array) -> scipy.sparse.csr_array:
    """Positive pointwise mutual information: log p(a, b) / (p(a) p(b)) where that is positive; the p(b) are smoothed."""
    total = counts.sum(axis=1)
    contexts = total**SMOOTHING
    pairs = counts.tocoo()
    first, second = pairs.coords
    values = np.log(pairs.data / (total[first] * (contexts[second] / contexts.sum())))
    kept = values > 0
    return scipy.sparse.csr_array((values[kept].astype(np.float32), (first[kept], second[kept])), shape=counts.shape)


def _factor(matrix: scipy.sparse.csr_array, size: int, seed: int, progress: Callable[[int], None]) -> np.ndarray:
    """The first left singular vectors, each times the square root of its singular value: `<float32>[rows, size]`."""
    width = min(size + BEYOND, matrix.shape[0])
    basis = np.random.default_rng(seed).standard_normal((matrix.shape[1], width), dtype=np.float32)
    transposed = matrix.T.tocsr()
    for done in range(1, ROUNDS + 1):
        basis, _ = np.linalg.qr(matrix @ basis if done == 1 else matrix @ (transposed @ basis))
        progress(done)
    left, values, _ = np.linalg.svd((transposed @ basis).T, full_matrices=False)
    return np.asarray((basis @ left)[:, :size] * np.sqrt(values[:size]))
