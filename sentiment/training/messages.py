"""What goes between a driver and its trainer."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

UNSCALED = (1.0, 0.0)  # a factor and a shift


@dataclass(frozen=True)
class Epoch:
    """What a trainer tells after an epoch; `val_logits` are the network's for the validation reviews, in their order.

    Of epoch 0, the model that it starts from, there is nothing else.
    """

    epoch: int
    val_logits: list[float]
    train_loss: float | None = None
    train_accuracy: float | None = None
    epoch_seconds: float | None = None
    tokens_per_second: float | None = None


@dataclass(frozen=True)
class LanguageEpoch:
    """What a trainer tells after an epoch of a language model; losses are means of a word, in nats."""

    epoch: int
    train_loss: float
    val_loss: float
    epoch_seconds: float
    tokens_per_second: float


@dataclass(frozen=True)
class Verdict:
    """The answer to the trainer: whether these are the weights to keep, and whether to stop."""

    keep: bool
    stop: bool


@dataclass(frozen=True)
class ModelFiles:
    """parts: what `sentiment.training.model_parts` wrote; model: where the whole model goes.

    scale: what the network's logit is multiplied by, and what is then added to it.
    """

    parts: Path
    model: Path
    scale: tuple[float, float] = UNSCALED


@dataclass(frozen=True)
class Scores:
    """scores: P(positive); network_logits: of the model's network, none if it is not of this project. Each `<float64>[reviews]`."""

    scores: np.ndarray
    network_logits: np.ndarray
