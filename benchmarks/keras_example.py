"""The settings of Keras's public example of a bidirectional LSTM on IMDB, on prepared reviews.

20,000 words, the last 200 of a review, an embedding of 128, two BiLSTM of 64, Adam, batch 32, 2 epochs
(https://keras.io/examples/nlp/bidirectional_lstm_imdb/). `python -m benchmarks.keras_example prepared.h5` prints, for each epoch,
the accuracy on the validation and on the test split, and the seconds of training up to its end.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from sentiment.paths import PROJECT
from sentiment.preparation import prepared
from sentiment.ragged import Ragged
from sentiment.reviews.batch import TEST, TRAIN, VALIDATION
from sentiment.text.vocabulary import FIRST_WORD, UNKNOWN

WORDS, LENGTH = 20_000, 200


def run(path: Path) -> list[dict[str, float]]:
    """What `main` prints, from a process of its own."""
    command = [sys.executable, "-m", "benchmarks.keras_example", str(path)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    epochs: list[dict[str, float]] = json.loads(done.stdout.splitlines()[-1])
    return epochs


def padded(rows: Ragged) -> np.ndarray:
    """rows: word numbers, the most frequent first, 0 for a word that is not known; returns ids, `<int32>[rows, LENGTH]`, zeros in front."""
    out = np.zeros((len(rows), LENGTH), np.int32)
    for at in range(len(rows)):
        last = rows.row(at)[-LENGTH:]
        ids = last + (FIRST_WORD - 1)
        out[at, LENGTH - len(last) :] = np.where((last > 0) & (ids < WORDS), ids, UNKNOWN)
    return out


def main(path: str) -> None:
    os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    import keras

    data = prepared.read(Path(path))
    splits = {"train": TRAIN, "validation": VALIDATION, "test": TEST}
    arrays = {name: (padded(data.words.take(data.rows(split))), data.labels[data.rows(split)]) for name, split in splits.items()}
    keras.utils.set_random_seed(1)
    tokens = keras.Input((None,), dtype="int32")
    steps = keras.layers.Embedding(WORDS, 128)(tokens)
    steps = keras.layers.Bidirectional(keras.layers.LSTM(64, return_sequences=True))(steps)
    last = keras.layers.Bidirectional(keras.layers.LSTM(64))(steps)
    model = keras.Model(tokens, keras.layers.Dense(1, activation="sigmoid")(last))
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    epochs, seconds = [], 0.0
    for _ in range(2):
        begun = time.perf_counter()
        model.fit(*arrays["train"], batch_size=32, verbose=0)
        seconds += time.perf_counter() - begun
        accuracies = {name: float(model.evaluate(*arrays[name], verbose=0)[1]) for name in ("validation", "test")}
        epochs.append(accuracies | {"seconds": seconds})
    print(json.dumps(epochs))


if __name__ == "__main__":
    main(sys.argv[1])
