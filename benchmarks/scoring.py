"""Reviews per second of the scorer against Keras `predict`, on the same model in the same batches; and what `explain` costs.

`python -m benchmarks.scoring [reviews]` scores the first 10,000 reviews of a source as `prepare` takes it, by default `imdb`.
The model has the default architecture and sizes; one epoch on a few of the reviews makes it.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from sentiment import prepared, preparing, training
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
    made, _ = preparing.prepare(find_source(settings), replace(settings, sample=400))
    prepared.write(made, data)
    with Trainer(ALL["tensorflow"]) as trainer:
        training.train(trainer, TrainSettings(epochs=1), made, data, model, lambda epoch, metrics: False, lambda tokens, of: None)
    return model


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def compare(model: Path, texts: list[str]) -> pd.Series:
    """Reviews per second."""
    ours, keras = Scorer(model), KerasScorer(model)
    assert np.abs(ours.score(texts[:500]) - keras.score(texts[:500])).max() < 1e-4  # also warms both
    rates = {name: len(texts) / seconds(lambda: scorer.score(texts)) for name, scorer in (("ours", ours), ("keras", keras))}  # noqa: B023
    return pd.Series(rates | {"ours / keras": rates["ours"] / rates["keras"]})


def explaining(model: Path, texts: list[str]) -> pd.DataFrame:
    """Milliseconds for one text, without and with `explain`, by its length: the medians, taken in turn."""
    scorer = Scorer(model)
    words = " ".join(texts).split()
    rows = []
    for count in WORDS:
        text = " ".join(words[:count])
        taken = [
            (seconds(lambda: scorer.score([text])), seconds(lambda: explain(scorer, text, float(scorer.score([text])[0]))))  # noqa: B023
            for _ in range(REPEATS)
        ]
        plain, explained = (1000 * statistics.median(column) for column in zip(*taken, strict=True))
        rows.append({"words": count, "score": plain, "with explain": explained, "ratio": explained / plain})
    return pd.DataFrame(rows).set_index("words")


def main(reviews: str) -> None:
    settings = PrepareSettings(reviews=reviews)
    texts = list(islice((text for batch in find_source(settings).read(lambda size: None) for text in batch.texts), REVIEWS))
    with tempfile.TemporaryDirectory() as folder:
        model = make_model(settings, Path(folder))
        print(f"reviews per second, {len(texts):,} reviews\n{compare(model, texts).round(2).to_string()}", flush=True)
        print(f"milliseconds a text\n{explaining(model, texts).round(2).to_string()}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "imdb")
