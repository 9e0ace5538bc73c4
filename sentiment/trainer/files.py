"""The HDF5 files, from the trainer's side: `prepared.h5` in, `model.h5` in and out."""

import errno
import json
import os
from typing import Any, Dict, List, Tuple

import h5py
import numpy as np

from sentiment.trainer.batches import Reviews, Sequences

TRAIN, VALIDATION = 0, 1
MARGIN = 1 << 20  # bytes of a file beside its weights
FIRST_WORD = 4  # the id of the first word of the vocabulary


def read_prepared(path: str, split: int) -> Reviews:
    """The token ids and labels of one split of a `prepared.h5`."""
    with h5py.File(path, "r") as file:
        rows = np.flatnonzero(file["split"][:] == split)
        return Reviews(_take(_sequences(file, ""), rows), _no_rows(len(rows)), file["labels"][:][rows].astype(np.float32))


def read_ids(path: str) -> Reviews:
    """Reviews to score: the datasets `ids`, `offsets`, `ngram_ids` and `ngram_offsets` of any HDF5 file."""
    with h5py.File(path, "r") as file:
        tokens, ngrams = _sequences(file, ""), _sequences(file, "ngram_")
    return Reviews(tokens, ngrams, np.zeros(len(tokens.lengths), np.float32))


def _no_rows(count: int) -> Sequences:
    return Sequences(np.empty(0, np.int32), np.zeros(count + 1, np.int64))


def _sequences(file: Any, prefix: str) -> Sequences:
    return Sequences(file[prefix + "ids"][:], file[prefix + "offsets"][:])


def _take(sequences: Sequences, rows: np.ndarray) -> Sequences:
    lengths = sequences.lengths[rows]
    begins = np.concatenate([[0], np.cumsum(lengths)])
    return Sequences(sequences.ids[np.arange(begins[-1]) + np.repeat(sequences.offsets[rows] - begins[:-1], lengths)], begins)


def read_words(path: str) -> List[str]:
    """The words that have token ids in a `prepared.h5`, the first FIRST_WORD."""
    with h5py.File(path, "r") as file:
        return _words(file)


def _words(group: Any) -> List[str]:
    return [word.decode("utf-8") if isinstance(word, bytes) else word for word in group["vocabulary"][:]]


def read_vectors(path: str) -> Tuple[np.ndarray, np.ndarray]:
    """Token ids, `<int32>[words]`, and the vector of each, `<float32>[words, embedding_size]`."""
    with h5py.File(path, "r") as file:
        return file["ids"][:], file["vectors"][:]


def read_lstms(path: str) -> Dict[str, List[np.ndarray]]:
    """By layer: the weights of LSTMs that stand beside such vectors; none, if they are vectors alone."""
    with h5py.File(path, "r") as file:
        return {name: [layer[str(index)][()] for index in range(len(layer))] for name, layer in file.get("lstms", {}).items()}


def write_layers(path: str, weights: Dict[str, List[np.ndarray]]) -> None:
    """Writes the weights of layers: the dataset `lstm_forward/0` is the first of that layer."""
    _require_room(path, sum(array.nbytes for arrays in weights.values() for array in arrays))
    with h5py.File(path, "w") as file:
        for name, arrays in weights.items():
            for index, array in enumerate(arrays):
                file["{}/{}".format(name, index)] = array


def count_ids(path: str) -> int:
    """Token ids that the data of a `prepared.h5` has, those of its words and the four before them."""
    with h5py.File(path, "r") as file:
        return FIRST_WORD + len(file["vocabulary"])


class Parts:
    """What the driver gives for a model file: all that is not the network.

    count: of the n-grams; weights: `<float32>[count + 1]`; combination: as `Network.set_ngrams` takes it.
    """

    def __init__(self, path: str) -> None:
        with h5py.File(path, "r") as file:
            self.count = len(file["sentiment/ngrams/last"])
            self.weights, self.bias = file["ngram_weights"][:], float(file["ngram_weights"].attrs["bias"])
            self.combination = [float(value) for value in file["combination"][:]]


def _require_room(path: str, size: int) -> None:
    """Raises OSError where a disk has no room for a file of so many bytes: of the HDF5 library's errors then, some say nothing of that."""
    probe = path + ".room"
    with open(probe, "wb") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, size + MARGIN)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):  # a file system that can't say
                raise
        finally:
            os.remove(probe)


def write_model(model: Any, path: str, parts: str) -> None:
    """Writes `model.h5` whole or not at all: what Keras saves, and beside it the group `sentiment`, as the driver made it in `parts`.

    The time dimension is written as open, also where the backend trained with fixed lengths.
    """
    unfinished = path + ".unfinished.h5"
    _require_room(path, 4 * model.count_params() + os.path.getsize(parts))
    model.save(unfinished, include_optimizer=False)
    with h5py.File(unfinished, "r+") as file, h5py.File(parts, "r") as rest:
        config = file.attrs["model_config"]
        config = json.loads(config.decode("utf-8") if isinstance(config, bytes) else config)
        for layer in config["config"]["layers"]:
            if layer["class_name"] == "InputLayer":
                shape = "batch_shape" if "batch_shape" in layer["config"] else "batch_input_shape"
                layer["config"][shape] = [None, None]
        file.attrs["model_config"] = json.dumps(config).encode("utf-8")
        rest.copy("sentiment", file)
    os.replace(unfinished, path)


def was_trained_here(path: str) -> bool:
    """Whether the file's settings are those of train, and so say how the model is built."""
    with h5py.File(path, "r") as file:
        return "sentiment" in file and "architecture" in json.loads(file["sentiment"].attrs["settings"])


class Model:
    """A `model.h5` as it is rebuilt: the graph that Keras saved is not read, as the settings say it, and Keras 2 would not know Keras 3's.

    settings: train's; words: those that have token ids; ngrams: how many; weights: by layer.
    """

    def __init__(self, path: str) -> None:
        with h5py.File(path, "r") as file:
            own = file["sentiment"]
            self.settings: Dict[str, Any] = json.loads(own.attrs["settings"])
            self.words = _words(own)
            self.ngrams = len(own["ngrams/last"]) if "ngrams" in own else 0
            self.weights = {layer: _arrays(group) for layer, group in file["model_weights"].items()}
            _bring_up_to_date(self.weights)

    @property
    def ids(self) -> int:
        return FIRST_WORD + len(self.words)


def _arrays(group: Any) -> List[np.ndarray]:
    names = group.attrs.get("weight_names", [])
    return [group[name.decode("utf-8") if isinstance(name, bytes) else name][()] for name in names]


def _bring_up_to_date(weights: Dict[str, List[np.ndarray]]) -> None:
    """Layers of `sentiment-model-1` as today's: the first files had no n-grams, later ones had them in two factors."""
    if "network_logit" not in weights and "score" in weights:
        weights["network_logit"] = weights.pop("score")
    if "ratios" in weights:
        (ratios,), (factors,) = weights.pop("ratios"), weights["ngram_weights"]
        weights["ngram_weights"] = [ratios * factors]
        weights["ngram_mask"] = [np.minimum(np.arange(len(ratios)), 1).astype(np.float32)[:, None]]
        weights["ngrams_logit"] = [np.ones((1, 1), np.float32), np.zeros(1, np.float32)]
        weights["combined_logit"] = weights.pop("weighed_logit")
