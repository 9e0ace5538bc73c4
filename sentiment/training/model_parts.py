"""What a trainer adds to the network that it saves, as `sentiment.trainer.files.Parts` reads it.

sentiment      the description of the model, as `sentiment.model.model_file` has it
ngram_weights  <float32>[ngrams + 1], with the attribute `bias`
combination    <float64>[3]   weights of the network's and of the n-grams' logit, and the intercept; zeros if there are not both
"""

from pathlib import Path
from typing import Any

from sentiment import hdf5
from sentiment.model import model_file, reference
from sentiment.model.reference import Reference
from sentiment.preparation.prepared import Prepared
from sentiment.settings.threshold import DEFAULT as THRESHOLD
from sentiment.training.ensemble import Combination
from sentiment.training.ngram_regression import NgramModel


def write(
    path: Path,
    data: Prepared,
    settings: dict[str, Any],
    backend: str,
    model: NgramModel,
    combination: Combination | None,
    validated: Reference | None = None,
    threshold: float = THRESHOLD,
) -> None:
    """validated: what `monitor` compares later texts with."""
    encoder = data.encoder.with_ngrams(model.ngrams)
    with hdf5.writing(path) as file:
        own = model_file.write_description(file, encoder, settings, backend, data.data_fingerprint, threshold=threshold)
        if validated:
            reference.write(validated, own)
        file["ngram_weights"] = model.weights
        file["ngram_weights"].attrs["bias"] = model.bias
        file["combination"] = [*combination.weights, combination.intercept] if combination else [0.0, 0.0, 0.0]
