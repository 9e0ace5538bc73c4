"""Reviews per second of the scorer against Keras `predict`, on the same model in the same batches; and what `explain` costs.

The first 10,000 reviews are scored. The model has the default architecture and sizes; one epoch on a few of the reviews makes it.
"""

import os
import statistics
import tempfile
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.common import prepare, seconds
from benchmarks.report import Row
from sentiment import training
from sentiment.backends import ALL
from sentiment.explaining import explain
from sentiment.reviews import find_source
from sentiment.scorer import PADDED, Scorer
from sentiment.settings import PrepareSettings, TrainSettings
from sentiment.text import Encoded
from sentiment.trainer_process import Trainer

REVIEWS = 10_000
WORDS = (10, 50, 100, 200, 400)  # of the texts that are explained
REPEATS = 31
COMMAND = "python -m benchmarks scoring"


class KerasScorer(Scorer):
    """The same texts in the same batches, through Keras on TensorFlow."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "2"}
        import keras

        self._model = keras.models.load_model(path)

    def _run(self, reviews: Encoded) -> np.ndarray:
        inputs = [PADDED[name](reviews) for name in self._inputs]
        scores: np.ndarray = self._model.predict(inputs, batch_size=len(reviews), verbose=0)
        return scores[:, 0]


def make_model(settings: PrepareSettings, folder: Path) -> Path:
    data, model = folder / "prepared.h5", folder / "model.h5"
    made = prepare(replace(settings, sample=400), data)
    with Trainer(ALL["tensorflow"]) as trainer:
        training.train(trainer, TrainSettings(epochs=1), made, data, model, lambda epoch, metrics: False)
    return model


def compare(model: Path, texts: list[str]) -> Row:
    ours, keras = Scorer(model), KerasScorer(model)
    assert np.abs(ours.score(texts[:500]) - keras.score(texts[:500])).max() < 1e-4  # also warms both
    rates = [len(texts) / seconds(lambda: scorer.score(texts)) for scorer in (ours, keras)]  # noqa: B023
    measured = f"{rates[0]:,.0f} and {rates[1]:,.0f} reviews/s, {len(texts):,} reviews"
    return Row("score", "Keras predict, same batches", rates[0] / rates[1], measured, COMMAND)


def explaining(model: Path, texts: list[str]) -> Row:
    """The longest time, by the length of the text: medians, taken in turn."""
    scorer = Scorer(model)
    words = " ".join(texts).split()
    ratios = {}
    for count in WORDS:
        text = " ".join(words[:count])
        taken = [
            (seconds(lambda: scorer.score([text])), seconds(lambda: explain(scorer, text, float(scorer.score([text])[0]))))  # noqa: B023
            for _ in range(REPEATS)
        ]
        plain, explained = (statistics.median(column) for column in zip(*taken, strict=True))
        ratios[count] = explained / plain
    measured = ", ".join(f"{count} words: {ratio:.1f}" for count, ratio in ratios.items())
    return Row("time to score and explain (less is better)", "time to score", max(ratios.values()), measured, COMMAND)


def rows(reviews: str) -> list[Row]:
    settings = PrepareSettings(reviews=reviews)
    texts = list(islice((text for batch in find_source(settings).read(lambda size: None) for text in batch.texts), REVIEWS))
    with tempfile.TemporaryDirectory() as folder:
        model = make_model(settings, Path(folder))
        return [compare(model, texts), explaining(model, texts)]
