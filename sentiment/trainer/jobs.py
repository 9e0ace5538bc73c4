"""What the trainer can be asked to do."""

import time
from typing import Any, Callable, Dict, List

import numpy as np

from sentiment.trainer import batches, files, framework, language, saved
from sentiment.trainer.architectures.network import ANY, Models, Network, Shape, compiled
from sentiment.trainer.averaging import MovingAverage
from sentiment.trainer.batches import Reviews
from sentiment.trainer.channel import Channel

SCORING_BATCH = 256
Progress = Callable[[int], Any]


def train(job: Dict[str, Any], channel: Channel) -> None:
    """Trains the network on the training reviews of `job["prepared"]` as `job["settings"]` say.

    It starts from `job["start"]` if that names a model; from `job["vectors"]`, if that names a file of vectors, its words, and also its
    LSTMs if these stand in it. After each epoch, of which a model that it starts from is number 0, it sends the loss, the accuracy and the
    network's logits of the validation reviews, and receives whether these are the weights to keep (`keep`) and whether to stop (`stop`):
    what is best is not decided here. At the end it gets the path of the rest of the model (`parts`), what the network's logit is multiplied
    by and what is added to it (`scale`), and where to write the whole (`model`; None: nowhere).

    A review counts by its label, as `job["label_weights"]` say, and `job["prior_logit"]` is added to the network's logit at the end.
    """
    settings = job["settings"]
    framework.start_over(settings["seed"])
    network = Network(settings, files.count_ids(job["prepared"]))
    shape = _train_network(job, network, channel) if network.has_network else (1, 1)
    answer = channel.ask("trained")
    if answer["model"]:
        if network.has_network:
            network.scale_logit(*answer["scale"])
        parts = files.Parts(answer["parts"])
        network.ngrams = parts.count
        model = network.whole((shape[0], 1) if framework.STATIC_LENGTHS else ANY)
        if parts.count:
            network.set_ngrams(parts.weights, parts.bias, parts.combination)
        files.write_model(model, answer["model"], answer["parts"])
    channel.send("done")


def _train_network(job: Dict[str, Any], network: Network, channel: Channel) -> Shape:
    """Trains until the driver says stop; the network then has the weights that were to be kept. Returns the shape of a model of it."""
    settings = job["settings"]
    reviews, validation = (files.read_prepared(job["prepared"], split) for split in (files.TRAIN, files.VALIDATION))
    size = min(settings["batch_size"], len(reviews.labels))
    within = batches.buckets(reviews, size, settings["kernel_size"], framework.MOST_SHAPES)
    random = np.random.RandomState(settings["seed"])
    optimizer = framework.adam(settings["learning_rate"])
    models = compiled(within.shapes, network.trained, lambda model: framework.compile_model(model, optimizer))
    shape = within.shapes[-1] if framework.STATIC_LENGTHS else ANY
    any_model = network.trained(shape)
    if job["start"]:
        network.start_from(files.Model(job["start"]), files.read_words(job["prepared"]))
        network.scale_logit(1, -job["prior_logit"])
    if job["vectors"]:
        network.set_words(*files.read_vectors(job["vectors"]))
        network.set_lstms(files.read_lstms(job["vectors"]))
    channel.send("built", parameters=int(any_model.count_params()), shapes=within.shapes)
    average, kept = MovingAverage(settings["weight_average"]), any_model.get_weights()

    def after_step() -> None:
        if settings["weight_average"]:
            average.add(any_model.get_weights())

    tokens, all_tokens = len(reviews.tokens.ids), len(reviews.tokens.ids) + len(validation.tokens.ids)

    def after_tokens(done: int) -> None:
        channel.progress(done, all_tokens)

    def is_last(epoch: int, **means: float) -> bool:
        nonlocal kept

        def progress(done: int) -> None:
            if epoch:  # the model that it starts from is no part of the count
                after_tokens(tokens + done)

        answer = channel.ask("epoch", epoch=epoch, val_logits=_network_logits(network, validation, progress), **means)
        if answer["keep"]:
            kept = any_model.get_weights()
        return bool(answer["stop"])

    stop = bool(job["start"]) and is_last(0)
    for epoch in range(1, 0 if stop else settings["epochs"] + 1):
        planned = batches.shuffled(within, size, random)
        seen = batches.apply_word_dropout(reviews, settings["word_dropout"], random) if settings["word_dropout"] else reviews
        means = _epoch(network, models, seen, planned, size, job["label_weights"], after_step, after_tokens)
        trained = any_model.get_weights()
        if settings["weight_average"]:
            any_model.set_weights(average.get())
        if is_last(epoch, **means):
            break
        any_model.set_weights(trained)
    any_model.set_weights(kept)
    network.scale_logit(1, job["prior_logit"])
    return shape


def score(job: Dict[str, Any], channel: Channel) -> None:
    """Scores the token ids in `job["reviews"]` with `job["model"]`, whichever backend wrote that.

    Sends the scores and, if the model has a network of this project, its logits.
    """
    framework.start_over(0)
    reviews = files.read_ids(job["reviews"])
    if not files.was_trained_here(job["model"]):
        channel.send("done", scores=saved.scores(job["model"], reviews), network_logits=[])
        return
    model = files.Model(job["model"])
    network = Network(model.settings, model.ids, model.ngrams)
    # A model of Keras 2 needs a length to be built with; the weights are the same for all.
    network.whole(_buckets(network, reviews).shapes[-1] if framework.STATIC_LENGTHS else ANY)
    network.set_weights(model.weights)
    tokens = len(reviews.tokens.ids)
    passes = 1 + network.has_network
    scores = _outputs(network.whole, network.inputs, network, reviews, lambda done: channel.progress(done, passes * tokens))
    logits = _network_logits(network, reviews, lambda done: channel.progress(tokens + done, passes * tokens)) if network.has_network else []
    channel.send("done", scores=scores, network_logits=logits)


def _epoch(
    network: Network,
    models: Models,
    reviews: Reviews,
    planned: List[batches.PaddedBatch],
    size: int,
    label_weights: List[float],
    after_step: Callable[[], None],
    progress: Progress,
) -> Dict[str, float]:
    """One pass; returns its means over the weighted reviews, its seconds and its real tokens per second. progress: gets the tokens done."""
    begun = time.perf_counter()
    totals, tokens = np.zeros(2), 0
    for inputs, labels, batch in batches.labelled(reviews, planned, size, network.network_inputs):
        rows = len(batch.rows)
        weights = framework.row_weights(rows, size) * batches.weights(labels, label_weights)
        totals += rows * np.array(framework.train_step(models[batch.shape], inputs, labels, weights))
        after_step()
        tokens += int(reviews.tokens.lengths[batch.rows].sum())
        progress(tokens)
    seconds = time.perf_counter() - begun
    loss, accuracy = totals / len(reviews.labels)
    return {"train_loss": loss, "train_accuracy": accuracy, "epoch_seconds": seconds, "tokens_per_second": tokens / seconds}


def _network_logits(network: Network, reviews: Reviews, progress: Progress) -> List[float]:
    return _outputs(network.logit, network.network_inputs, network, reviews, progress)


def _outputs(model: Callable[[Shape], Any], inputs: List[str], network: Network, reviews: Reviews, progress: Progress) -> List[float]:
    """What the model of a shape gives for each review, in their order. progress: gets the tokens done."""
    outputs, tokens = np.empty(len(reviews.labels)), 0
    for batch in batches.in_order(_buckets(network, reviews), SCORING_BATCH):
        arrays = batches.padded(reviews, batch, len(batch.rows), inputs)
        shape = batch.shape if framework.STATIC_LENGTHS else ANY
        outputs[batch.rows] = np.asarray(model(shape).predict_on_batch(arrays))[:, 0]
        tokens += int(reviews.tokens.lengths[batch.rows].sum())
        progress(tokens)
    return [float(value) for value in outputs]


def _buckets(network: Network, reviews: Reviews) -> batches.Buckets:
    return batches.buckets(reviews, SCORING_BATCH, network.settings["kernel_size"], framework.MOST_SHAPES)


JOBS = {"train": train, "score": score, "learn_language": language.learn}
