"""What unlabelled reviews teach of the n-grams.

Which n-grams occur in the same reviews is seen without labels: latent semantic analysis (Deerwester et al. 1990) puts that into
a few numbers for each review. A regression on these errs on other reviews than the ones on single n-grams, so that the two
together are a better teacher than either: it labels the unlabelled reviews, and the n-grams are weighed anew on all that it is
sure of (self-training, Yarowsky 1995). docs/experiments.md has the figures.
"""

import numpy as np
import scipy.sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize

from sentiment import ngram_weights
from sentiment.ngram_weights import PENALTY, NgramWeights
from sentiment.ragged import Ragged, concatenate

DIMENSIONS = 200
POWER = 1.5  # of the squared rarity of an n-gram, its size
PASSES = 2  # power iterations of the randomized decomposition (Halko et al. 2011)
LATENT_SHARE = 0.35  # of the teacher's logit that the regression on the latent numbers has
SURE = 0.8  # of a label, to teach it


class Latent:
    """Latent semantic analysis of labelled and unlabelled reviews. ngrams: how many are known.

    unlabelled: as given; of_unlabelled: `<float32>[unlabelled, dimensions]`.
    """

    def __init__(self, labelled: Ragged, unlabelled: Ragged, ngrams: int, seed: int) -> None:
        reviews = concatenate([labelled, unlabelled])
        self._sizes = ngram_weights.squared_rarity(reviews, ngrams) ** POWER
        dimensions = min(DIMENSIONS, len(reviews), ngrams)
        self._found = TruncatedSVD(dimensions, n_iter=PASSES, random_state=seed).fit(self._features(reviews))
        self.unlabelled, self.of_unlabelled = unlabelled, self.of(unlabelled)

    def of(self, reviews: Ragged) -> np.ndarray:
        """`<float32>[reviews, dimensions]`."""
        return np.asarray(self._found.transform(self._features(reviews)))

    def _features(self, reviews: Ragged) -> scipy.sparse.csr_array:
        return normalize(ngram_weights.features(reviews, self._sizes))


def fit(reviews: Ragged, labels: np.ndarray, latent: Latent, ngrams: int) -> NgramWeights:
    """As `ngram_weights.fit`, from the unlabelled reviews too."""
    said = _teach(reviews, labels, latent, ngrams)
    sure = np.flatnonzero(np.abs(said) > np.log(SURE / (1 - SURE)))
    taught = np.concatenate([labels, said[sure] > 0]).astype(np.int8)
    return ngram_weights.fit(concatenate([reviews, latent.unlabelled.take(sure)]), taught, ngrams)


def _teach(reviews: Ragged, labels: np.ndarray, latent: Latent, ngrams: int) -> np.ndarray:
    """The logit of each unlabelled review: `<float64>[unlabelled]`."""
    by_ngrams = ngram_weights.fit(reviews, labels, ngrams).logits(latent.unlabelled)
    known = latent.of(reviews)
    spread = known.std()
    regression = LogisticRegression(C=1 / (PENALTY * len(reviews)), max_iter=300).fit(known / spread, labels)
    return np.asarray((1 - LATENT_SHARE) * by_ngrams + LATENT_SHARE * regression.decision_function(latent.of_unlabelled / spread))
