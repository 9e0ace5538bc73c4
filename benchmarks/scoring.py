"""Reviews per second of the scorer against Keras `predict`, on the same model in the same batches; and what `explain` costs.

The first 4,000 reviews are scored. The model has the default architecture, sizes and n-grams; one epoch on a few of the reviews makes it.
"""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.common import Paired, paired, prepare, seconds
from benchmarks.report import Row
from sentiment.backends.interpreters import ALL
from sentiment.model.explanation import explain
from sentiment.model.scorer import PADDED, Scorer
from sentiment.reviews import find_source
from sentiment.settings import PrepareSettings, TrainSettings
from sentiment.text.vocabulary import Encoded
from sentiment.training import training
from sentiment.training.trainer_process import Trainer

REVIEWS = 4_000
WORDS = (10, 50, 100, 200, 400)  # of the texts that are explained
PAIRS = 31  # of the short times that explaining takes
COMMAND = "python -m benchmarks scoring"


class KerasScorer(Scorer):
    """The same texts in the same batches, through Keras on TensorFlow."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "2"}
        import keras

        self._model = keras.models.load_model(path)

    def _run(self, reviews: Encoded, names: Sequence[str]) -> dict[str, np.ndarray]:
        assert tuple(names) == ("score",)
        inputs = [PADDED[name](reviews) for name in self._inputs]
        scores: np.ndarray = self._model.predict(inputs, batch_size=len(reviews), verbose=0)
        return {"score": scores[:, 0]}


def make_model(settings: PrepareSettings, folder: Path) -> Path:
    data, model = folder / "prepared.h5", folder / "model.h5"
    made = prepare(replace(settings, sample=400), data)
    with Trainer(ALL["tensorflow"]) as trainer:
        training.train(trainer, TrainSettings(epochs=1), made, model)
    return model


def compare(model: Path, texts: list[str]) -> Row:
    ours, keras = Scorer(model), KerasScorer(model)

    def rate(scorer: Scorer) -> float:
        return len(texts) / seconds(lambda: scorer.score(texts))

    assert np.abs(ours.score(texts[:500]) - keras.score(texts[:500])).max() < 1e-4  # also warms both
    rates = paired(lambda: rate(ours), lambda: rate(keras))
    measured = f"{rates.a:,.0f} and {rates.b:,.0f} reviews/s, {len(texts):,} reviews"
    return Row("score", "Keras predict, same batches", rates, measured, COMMAND)


def explaining(model: Path, texts: list[str]) -> Row:
    """The length of text for which it takes the longest."""
    scorer = Scorer(model)
    words = " ".join(texts).split()

    def times(text: str) -> Paired:
        def explained() -> None:
            explain(scorer, text, float(scorer.score([text])[0]))

        return paired(lambda: seconds(explained), lambda: seconds(lambda: scorer.score([text])), PAIRS)

    ratios = {count: times(" ".join(words[:count])) for count in WORDS}
    measured = ", ".join(f"{count} words: {found.ratio:.1f}" for count, found in ratios.items())
    longest = max(ratios.values(), key=lambda found: found.ratio)
    return Row("time to score and explain (less is better)", "time to score", longest, measured, COMMAND)


def rows(reviews: str) -> list[Row]:
    settings = PrepareSettings(reviews=reviews)
    texts = list(islice((text for batch in find_source(settings).read(lambda size: None) for text in batch.texts), REVIEWS))
    with tempfile.TemporaryDirectory() as folder:
        model = make_model(settings, Path(folder))
        return [compare(model, texts), explaining(model, texts)]
