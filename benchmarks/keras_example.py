"""The settings of Keras's public example of a bidirectional LSTM on IMDB, on prepared reviews.

20,000 words, the last 200 of a review, an embedding of 128, two BiLSTM of 64, Adam, batch 32, 2 epochs
(https://keras.io/examples/nlp/bidirectional_lstm_imdb/). `python -m benchmarks.keras_example prepared.h5` prints, for each epoch,
seconds since the start, accuracy on the validation and on the test split.
"""

import json
import os
import sys
import time
from pathlib import Path

os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}

import keras
import numpy as np

from sentiment import prepared
from sentiment.ragged import Ragged
from sentiment.reviews.batch import TEST, TRAIN, VALIDATION

WORDS, LENGTH = 20_000, 200


def padded(rows: Ragged) -> np.ndarray:
    """`<int32>[rows, LENGTH]`, zeros in front."""
    out = np.zeros((len(rows), LENGTH), np.int32)
    for at in range(len(rows)):
        last = rows.row(at)[-LENGTH:]
        out[at, LENGTH - len(last) :] = np.where(last < WORDS, last, 2)
    return out


def main(path: str) -> None:
    data = prepared.read(Path(path))
    splits = {split: data.rows(split) for split in (TRAIN, VALIDATION, TEST)}
    arrays = {split: (padded(data.reviews.tokens.take(rows)), data.labels[rows]) for split, rows in splits.items()}
    keras.utils.set_random_seed(1)
    tokens = keras.Input((None,), dtype="int32")
    steps = keras.layers.Embedding(WORDS, 128)(tokens)
    steps = keras.layers.Bidirectional(keras.layers.LSTM(64, return_sequences=True))(steps)
    last = keras.layers.Bidirectional(keras.layers.LSTM(64))(steps)
    model = keras.Model(tokens, keras.layers.Dense(1, activation="sigmoid")(last))
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    found, seconds = [], 0.0
    for _ in range(2):
        begun = time.perf_counter()
        model.fit(*arrays[TRAIN], batch_size=32, verbose=0)
        seconds += time.perf_counter() - begun
        measured = [float(model.evaluate(*arrays[split], verbose=0)[1]) for split in (VALIDATION, TEST)]
        found.append([seconds, *measured])
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
