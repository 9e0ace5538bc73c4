"""What the trainer can be asked to do."""

import time
from typing import Any, Dict, List, Tuple

import numpy as np

from sentiment.trainer import batches, files, framework, saved
from sentiment.trainer.architectures import Network
from sentiment.trainer.batches import Reviews
from sentiment.trainer.channel import Channel

SCORING_BATCH = 256
ANY = (None, None)
TOLD_EVERY = 0.2  # seconds between two signs of progress


def train(job: Dict[str, Any], channel: Channel) -> None:
    """Trains on the `job["splits"]` of `job["prepared"]` as `job["settings"]` say and writes `job["model"]`.

    After each epoch it sends the loss, the accuracy and the scores of the validation reviews, and is told whether these are
    the weights to keep (`keep`) and whether to stop (`stop`): what is best is not decided here. The n-grams of the model that is
    written have been weighed on the validation reviews too.
    """
    settings = job["settings"]
    framework.start_over(settings["seed"])
    splits = job["splits"]
    reviews = files.read_prepared(job["prepared"], splits)
    validation = files.read_prepared(job["prepared"], [] if files.VALIDATION in splits else [files.VALIDATION])
    size = min(settings["batch_size"], len(reviews.labels))
    within = batches.buckets(reviews, size, settings["kernel_size"], framework.MOST_SHAPES)
    network = Network(settings, *files.count_ids(job["prepared"]))
    random = np.random.RandomState(settings["seed"])
    models = _compiled(network, within.shapes, framework.adam(settings["learning_rate"]))
    any_model = network.model(within.shapes[-1] if framework.STATIC_LENGTHS else ANY)
    if "ngrams" in network.inputs:
        network.set_ngrams(*files.read_ngram_weights(job["prepared"], splits))
    channel.send("built", parameters=int(any_model.count_params()), shapes=within.shapes)
    kept = any_model.get_weights()
    for epoch in range(1, settings["epochs"] + 1):
        found = _epoch(network, models, reviews, batches.shuffled(within, size, random), size, channel)
        answer = channel.ask("epoch", epoch=epoch, val_scores=_scores(network, validation), **found)
        if answer["keep"]:
            kept = any_model.get_weights()
        if answer["stop"]:
            break
    any_model.set_weights(kept)
    if "ngrams" in network.inputs:  # no choice is left to be made, so what those say that the epochs were judged by counts as well
        network.set_ngrams(*files.read_ngram_weights(job["prepared"], [files.TRAIN, files.VALIDATION]))
    files.write_model(any_model, job["model"], settings, job["prepared"], framework.BACKEND)
    channel.send("done")


def score(job: Dict[str, Any], channel: Channel) -> None:
    """Scores the token ids in `job["reviews"]` with `job["model"]`, whichever backend wrote that."""
    framework.start_over(0)
    reviews = files.read_ids(job["reviews"])
    if not files.was_trained_here(job["model"]):
        channel.send("done", scores=saved.scores(job["model"], reviews))
        return
    settings, ids, ngrams, weights = files.read_model(job["model"])
    network = Network(settings, ids, ngrams)
    # A model of Keras 2 needs a length to be built with; the weights are the same for all.
    longest = batches.buckets(reviews, SCORING_BATCH, settings["kernel_size"], framework.MOST_SHAPES).shapes[-1]
    model = network.model(longest if framework.STATIC_LENGTHS else ANY)
    for layer in model.layers:
        if layer.get_weights():
            layer.set_weights(weights[layer.name])
    channel.send("done", scores=_scores(network, reviews))


def _compiled(network: Network, shapes: List[Tuple[int, int]], optimizer: Any) -> Dict[Tuple[int, int], Any]:
    """The model that trains each shape; one for all where the backend takes any length."""
    models = {shape: network.trained(shape if framework.STATIC_LENGTHS else ANY) for shape in shapes}
    for model in {id(model): model for model in models.values()}.values():
        framework.compile_model(model, optimizer)
    return models


def _epoch(
    network: Network, models: Dict[Tuple[int, int], Any], reviews: Reviews, planned: List[batches.Batch], size: int, channel: Channel
) -> Dict[str, float]:
    """One pass; returns its means over the reviews, its seconds and its real tokens per second."""
    begun = told = time.perf_counter()
    totals, tokens = np.zeros(2), 0
    for inputs, labels, batch in batches.labelled(reviews, planned, size, network.trained_inputs):
        rows = len(batch.rows)
        totals += rows * np.array(framework.train_step(models[batch.shape], inputs, labels, framework.row_weights(rows, size)))
        tokens += int(reviews.tokens.lengths[batch.rows].sum())
        if time.perf_counter() - told > TOLD_EVERY:
            told = time.perf_counter()
            channel.send("progress", tokens=tokens, of=len(reviews.tokens.ids))
    seconds = time.perf_counter() - begun
    loss, accuracy = totals / len(reviews.labels)
    return {"train_loss": loss, "train_accuracy": accuracy, "epoch_seconds": seconds, "tokens_per_second": tokens / seconds}


def _scores(network: Network, reviews: Reviews) -> List[float]:
    """P(positive) of each review, in their order."""
    scores = np.empty(len(reviews.labels))
    within = batches.buckets(reviews, SCORING_BATCH, network.settings["kernel_size"], framework.MOST_SHAPES)
    for batch in batches.in_order(within, SCORING_BATCH):
        inputs = batches.padded(reviews, batch, len(batch.rows), network.inputs)
        model = network.model(batch.shape if framework.STATIC_LENGTHS else ANY)
        scores[batch.rows] = np.asarray(model.predict_on_batch(inputs))[:, 0]
    return [float(value) for value in scores]


JOBS = {"train": train, "score": score}
