"""Learning how words follow each other: at each word the LSTMs say which is the next, before they see any label."""

import time
from typing import Any, Callable, Dict, Iterator, List, Tuple

import numpy as np

from sentiment.trainer import batches, files, framework
from sentiment.trainer.architectures.network import Models, Network, compiled
from sentiment.trainer.averaging import MovingAverage
from sentiment.trainer.batches import PaddedBatch, Reviews
from sentiment.trainer.channel import Channel

NOISE = 100  # words drawn for each row, from which its LSTMs tell the next word
SMOOTHING = 0.75  # power of the words' counts, as in Mikolov et al. (2013)
CLOSED = 3.0  # by how much the bias of the output gates is lowered at the end

Batch = Tuple[List[np.ndarray], np.ndarray, np.ndarray, PaddedBatch]


def learn(job: Dict[str, Any], channel: Channel) -> None:
    """Trains embedding and LSTMs to tell next words in the pieces of reviews of `job["prepared"]`, and writes them to `job["model"]`.

    A next word is told from NOISE drawn ones, by the cross-entropy of a softmax, which ranks words by how much likelier the words before
    make them than they are drawn (van den Oord et al. 2018). The words start with `job["vectors"]`. After each epoch it sends the loss of
    the mean word, in the training and in the validation pieces.
    """
    settings = job["settings"]
    framework.start_over(settings["seed"])
    network = Network(settings, files.count_ids(job["prepared"]))
    pieces, validation = (files.read_prepared(job["prepared"], split) for split in (files.TRAIN, files.VALIDATION))
    size = min(settings["batch_size"], len(pieces.labels))
    within, of_validation = (batches.buckets(each, size, 1, framework.MOST_SHAPES) for each in (pieces, validation))
    optimizer = framework.adam(settings["learning_rate"])
    models = compiled(
        within.shapes + of_validation.shapes,
        lambda shape: network.language_model((shape[0], NOISE)),
        lambda model: framework.compile_language_model(model, optimizer),
    )
    any_model = models[within.shapes[-1]]
    network.set_words(*files.read_vectors(job["vectors"]))
    average, random, noise = (
        MovingAverage(settings["weight_average"]),
        np.random.RandomState(settings["seed"]),
        Noise(pieces, settings["seed"]),
    )

    def step(model: Any, *batch: np.ndarray) -> float:
        loss = model.train_on_batch(*batch)
        if settings["weight_average"]:
            average.add(any_model.get_weights())
        return _first(loss)

    def rate(model: Any, *batch: np.ndarray) -> float:
        return _first(model.test_on_batch(*batch))

    tokens, all_tokens = len(pieces.tokens.ids), len(pieces.tokens.ids) + len(validation.tokens.ids)

    def progress(done: int) -> None:
        channel.progress(done, all_tokens)

    def progress_of_validation(done: int) -> None:
        progress(tokens + done)

    for epoch in range(1, settings["epochs"] + 1):
        begun = time.perf_counter()
        planned = _batches(network, pieces, batches.shuffled(within, size, random), size, noise)
        train_loss = _mean_loss(step, models, planned, progress)
        seconds = time.perf_counter() - begun
        trained = any_model.get_weights()
        if settings["weight_average"]:
            any_model.set_weights(average.get())
        same_noise = Noise(pieces, settings["seed"])
        held_out = _batches(network, validation, batches.in_order(of_validation, size), size, same_noise)
        val_loss = _mean_loss(rate, models, held_out, progress_of_validation)
        losses = {"train_loss": train_loss, "val_loss": val_loss}
        channel.send("epoch", epoch=epoch, epoch_seconds=seconds, tokens_per_second=tokens / seconds, **losses)
        if epoch < settings["epochs"]:
            any_model.set_weights(trained)
    layers = network.get_weights(["embedding", *("lstm_" + name for name in network.lstms)])
    for name, weights in layers.items():
        if name != "embedding":
            _close_output_gates(weights)
    files.write_layers(job["model"], layers)
    channel.send("done")


def _close_output_gates(weights: List[np.ndarray]) -> None:
    """What tells next words is near 1 somewhere in most reviews, of which the maximum over time says little."""
    bias = weights[2]
    bias[-len(bias) // 4 :] -= CLOSED  # the last of the four gates


class Noise:
    """Draws words by how often the reviews have them."""

    def __init__(self, reviews: Reviews, seed: int) -> None:
        counts = np.bincount(reviews.tokens.ids, minlength=files.FIRST_WORD).astype(np.float64) ** SMOOTHING
        counts[: files.FIRST_WORD] = 0
        self._shares = np.cumsum(counts)
        self._random = np.random.RandomState(seed)

    def draw(self, rows: int) -> np.ndarray:
        """`<int32>[rows, NOISE]`."""
        drawn = self._random.random_sample((rows, NOISE)) * self._shares[-1]
        return np.array(np.searchsorted(self._shares, drawn, side="right"), np.int32)


def _batches(network: Network, reviews: Reviews, planned: List[PaddedBatch], size: int, noise: Noise) -> Iterator[Batch]:
    """Inputs; the place of each next word, which is the first, `<int32>[size, LSTMs * time, 1]`; and whether it is a known one."""
    for batch in planned:
        inputs = batches.padded(reviews, batch, size, network.network_inputs)
        read = dict(zip(network.network_inputs, inputs))
        following = [batches.following(read[tokens]) for tokens in network.lstms.values()]
        known = np.concatenate(following, 1) > batches.UNKNOWN
        yield [*inputs, *following, noise.draw(size)], np.zeros((*known.shape, 1), np.int32), known, batch


def _mean_loss(step: Callable[..., float], models: Models, planned: Iterator[Batch], progress: Callable[[int], None]) -> float:
    """Of a known word, over all batches. progress: gets the tokens that are done."""
    total, words, tokens = 0.0, 0, 0
    for inputs, targets, known, batch in planned:
        count = int(known.sum())
        if count:
            total += count * step(models[batch.shape], inputs, targets, framework.mean_weights(known))
        words, tokens = words + count, tokens + int(np.count_nonzero(inputs[0]))
        progress(tokens)
    return total / max(words, 1)


def _first(values: Any) -> float:
    """The loss, of what a step of Keras returns: that alone, or that and more."""
    return float(np.ravel(values)[0])
