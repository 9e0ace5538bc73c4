"""What tests train, and what they say of it."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sentiment.preparation import prepared
from sentiment.ragged import Ragged, from_lengths
from sentiment.settings import TrainSettings
from sentiment.text.vocabulary import Encoded, Encoder
from sentiment.training import model_parts, ngram_regression, training
from sentiment.training.messages import Epoch, ModelFiles, Verdict
from sentiment.training.trainer_process import Trainer
from sentiment.training.training import Trained
from sentiment.training.word_vectors import WordVectors

# Of networks that are trained in a second or two.
SIZES: dict[str, Any] = {
    "embedding_size": 8, "lstm_size": 6, "filters": 7, "dense_size": 5, "batch_size": 16, "learning_rate": 0.01, "ngrams": 500
}  # fmt: skip
QUICK = SIZES | {"architecture": "cnn"}
FROZEN = {"mask", "mask_bias_forward", "mask_bias_backward", "ngram_weights", "ngram_mask", "ngrams_logit", "combined_logit"}
LENGTHS = [1, 2, 3, 5, 9, 17, 30, 39, 40]
Trainers = Callable[[str], Trainer]


class Kept(NamedTuple):
    """A model, and what was logged of it."""

    path: Path
    trained: Trained


Models = Callable[..., Kept]


def train_network(
    trainer: Trainer, data: Path, path: Path, start: Path | WordVectors | None = None, **settings: float | str
) -> list[Epoch]:
    """Trains a network by itself and keeps its last epoch, whatever that is worth."""
    chosen = asdict(TrainSettings(**{"backend": trainer.backend.name, **SIZES})) | {"word_dropout": 0.0} | settings
    epochs: list[Epoch] = []

    def keep(epoch: Epoch) -> Verdict:
        epochs.append(epoch)
        return Verdict(keep=True, stop=False)

    def finish() -> ModelFiles:
        parts = path.with_suffix(".parts")
        model_parts.write(parts, prepared.read(data), chosen, trainer.backend.name, ngram_regression.NONE, None)
        return ModelFiles(parts, path)

    trainer.train(prepared.read(data), chosen, keep, finish, start=start)
    return epochs


def train_small(trainer: Trainer, data: Path, model: Path, start: Path | WordVectors | None = None, **settings: Any) -> Trained:
    """Trains as `train` does, on a `prepared.h5`, with SIZES but for the settings that are named, and writes the model."""
    chosen = TrainSettings(**{"backend": trainer.backend.name, **SIZES, **settings})
    return training.train(trainer, chosen, prepared.read(data), model, start=start)


def random_reviews(lengths: list[int], encoder: Encoder, seed: int = 0) -> Encoded:
    """Reviews of random tokens, each with the start token first, and of random n-grams, a third as many."""
    random = np.random.default_rng(seed)
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    tokens = random.integers(2, encoder.size, offsets[-1]).astype(np.int32)
    tokens[offsets[:-1]] = 1
    counts = np.array(lengths) // 3 if len(encoder.ngrams) else np.zeros(len(lengths), int)
    ngrams = random.integers(1, len(encoder.ngrams) + 1, counts.sum()).astype(np.int32)
    return Encoded(Ragged(tokens, offsets), from_lengths(ngrams, counts))


def assert_same_encoder(one: Encoder, other: Encoder) -> None:
    assert (one.settings, one.vocabulary, one.more_words) == (other.settings, other.vocabulary, other.more_words)
    assert one.ngrams.prefix.tolist() == other.ngrams.prefix.tolist()
    assert one.ngrams.last.tolist() == other.ngrams.last.tolist()


def sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-x)))
