"""What layers were called in `sentiment-model-1` and `sentiment-model-2`."""

from typing import Any

import numpy as np

NEW_NAMES = {
    "best": "max_pool",
    "best_backward": "max_pool_backward",
    "best_forward": "max_pool_forward",
    "both": "concatenate",
    "dropout_words": "dropout_embedding",
    "lengthened_filtered": "padded_convolution",
    "lengthened_present": "padded_mask",
    "lower_backward": "mask_bias_backward",
    "lower_forward": "mask_bias_forward",
    "lowered_backward": "masked_lstm_backward",
    "lowered_forward": "masked_lstm_forward",
    "ngram_present": "ngram_mask",
    "pooled_filtered": "pooled_convolution",
    "pooled_present": "pooled_mask",
    "present": "mask",
    "present_filtered": "masked_convolution",
    "present_words": "masked_embedding",
    "words": "embedding",
}


def bring_up_to_date(graph: dict[str, Any], weights: dict[str, list[np.ndarray]]) -> tuple[dict[str, Any], dict[str, list[np.ndarray]]]:
    """The graph and the weights by layer, with the names of today.

    Raises:
        ValueError: A layer has one of these already.
    """
    taken = set(NEW_NAMES.values()) & {layer["config"]["name"] for layer in graph["layers"]}
    if taken:
        raise ValueError(f"the layer {min(taken)} is not of that format")
    return _renamed(graph), {NEW_NAMES.get(name, name): arrays for name, arrays in weights.items()}


def _renamed(value: Any) -> Any:
    """A part of the graph. No option of a layer has one of the earlier names as its value."""
    if isinstance(value, dict):
        return {name: _renamed(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each) for each in value]
    return NEW_NAMES.get(value, value) if isinstance(value, str) else value
