"""The HDF5 files, from the trainer's side: `prepared.h5` in, `model.h5` in and out."""

import json
import os
from typing import Any, Dict, List, Tuple

import h5py
import numpy as np

from sentiment.trainer.batches import Ragged, Reviews

FORMAT = "sentiment-model-1"
TRAIN, VALIDATION, TEST = 0, 1, 2
FIRST_WORD = 4  # the id of the first word of the vocabulary


def read_prepared(path: str, splits: List[int]) -> Reviews:
    """The reviews of some splits of a `prepared.h5`."""
    with h5py.File(path, "r") as file:
        rows = np.flatnonzero(np.isin(file["split"][:], splits))
        tokens, ngrams = (_take(_ragged(file, prefix), rows) for prefix in ("", "ngram_"))
        return Reviews(tokens, ngrams, file["labels"][:][rows].astype(np.float32))


def read_ids(path: str) -> Reviews:
    """Reviews to score: the datasets `ids`, `offsets`, `ngram_ids` and `ngram_offsets` of any HDF5 file."""
    with h5py.File(path, "r") as file:
        tokens, ngrams = _ragged(file, ""), _ragged(file, "ngram_")
    return Reviews(tokens, ngrams, np.zeros(len(tokens.lengths), np.float32))


def _ragged(file: Any, prefix: str) -> Ragged:
    return Ragged(file[prefix + "ids"][:], file[prefix + "offsets"][:])


def _take(ragged: Ragged, rows: np.ndarray) -> Ragged:
    lengths = ragged.lengths[rows]
    begins = np.concatenate([[0], np.cumsum(lengths)])
    return Ragged(ragged.ids[np.arange(begins[-1]) + np.repeat(ragged.offsets[rows] - begins[:-1], lengths)], begins)


def count_ids(path: str) -> Tuple[int, int]:
    """Token ids that the data of a `prepared.h5` has, those of its words and the four before them; and n-grams."""
    with h5py.File(path, "r") as file:
        return FIRST_WORD + len(file["vocabulary"]), len(file["ngrams/last"])


def read_ngram_weights(path: str, splits: List[int]) -> Tuple[np.ndarray, np.ndarray, float]:
    """Ratios, weights and bias, as `sentiment.ngram_weights` has them, that a `prepared.h5` has learned from some splits."""
    with h5py.File(path, "r") as file:
        group = file["ngram_weights/" + "_".join(str(split) for split in splits)]
        return group["ratios"][:], group["weights"][:], float(group.attrs["bias"])


def write_model(model: Any, path: str, settings: Dict[str, Any], prepared: str, backend: str) -> None:
    """Writes `model.h5` whole or not at all: what Keras saves, and beside it in the group `sentiment` what texts need.

    The time dimension is written as open, also where the backend trained with fixed lengths.
    """
    unfinished = path + ".unfinished.h5"
    model.save(unfinished, include_optimizer=False)
    with h5py.File(unfinished, "r+") as file, h5py.File(prepared, "r") as data:
        config = file.attrs["model_config"]
        config = json.loads(config.decode("utf-8") if isinstance(config, bytes) else config)
        for layer in config["config"]["layers"]:
            if layer["class_name"] == "InputLayer":
                shape = "batch_shape" if "batch_shape" in layer["config"] else "batch_input_shape"
                layer["config"][shape] = [None, None]
        file.attrs["model_config"] = json.dumps(config).encode("utf-8")
        own = file.create_group("sentiment")
        own.attrs["format"] = FORMAT
        own.attrs["backend"] = backend
        own.attrs["settings"] = json.dumps(settings, sort_keys=True)
        own.attrs["label_names"] = json.dumps(["negative", "positive"])
        for name in ("text_settings", "data_fingerprint"):
            own.attrs[name] = data.attrs[name]
        for name in ("vocabulary", "more_words", "ngrams"):
            data.copy(name, own)
    os.replace(unfinished, path)


def was_trained_here(path: str) -> bool:
    """Whether the file's settings are those of train, and so say how the model is built."""
    with h5py.File(path, "r") as file:
        return "sentiment" in file and "architecture" in json.loads(file["sentiment"].attrs["settings"])


def read_model(path: str) -> Tuple[Dict[str, Any], int, int, Dict[str, List[np.ndarray]]]:
    """Settings, numbers of token ids and of n-grams, and the weights by layer, of a `model.h5`.

    The graph that Keras saved is not read: the settings say it, and Keras 2 would not know Keras 3's.
    """
    with h5py.File(path, "r") as file:
        own = file["sentiment"]
        weights = {}
        for layer, group in file["model_weights"].items():
            names = group.attrs.get("weight_names", [])
            weights[layer] = [group[name.decode("utf-8") if isinstance(name, bytes) else name][()] for name in names]
        ngrams = len(own["ngrams/last"]) if "ngrams" in own else 0
        if "network_logit" not in weights:  # the first files, which had no n-grams
            weights["network_logit"] = weights.pop("score")
        return json.loads(own.attrs["settings"]), FIRST_WORD + len(own["vocabulary"]), ngrams, weights
