"""`model.h5` to scores for raw texts, with ONNX Runtime. No Keras."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from sentiment.errors import UserError
from sentiment.model import model_file, onnx_graph
from sentiment.text.vocabulary import Encoded

PADDED: dict[str, Callable[[Encoded], np.ndarray]] = {  # what each input takes: `<int32>[rows, longest]`
    "tokens": lambda reviews: reviews.tokens.padded(),
    "reversed_tokens": lambda reviews: reviews.tokens.padded_reversed(),
    "ngrams": lambda reviews: reviews.ngrams.padded(),
}
TOKENS_AT_ONCE = 1 << 15  # of a batch, padding included: bounds the memory


class Scorer:
    """A model ready to score.

    threads: CPU threads that a batch may use; by default as many as `OMP_NUM_THREADS` says (Spark sets it), or all.

    Raises:
        UserError: The file is no model of this project, or its layers do not fit together.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        self.model = model_file.read(path)
        self.threshold = self.model.threshold
        allowed = os.environ.get("OMP_NUM_THREADS", "")
        threads = threads or (int(allowed) if allowed.isdecimal() else os.cpu_count()) or 1
        try:
            graph = onnx_graph.from_keras(self.model).SerializeToString()
            self._many = _session(graph, threads)
            self._one = _session(graph, 1)  # waking other threads takes longer than what they could do of a single text
            self._inputs = [each.name for each in self._one.get_inputs()]
            self._names = [each.name for each in self._one.get_outputs()]
            self.parts([""])  # sizes that do not fit are noticed now, not in the first request
        except UserError:
            raise
        except Exception as error:  # ONNX Runtime has kinds of its own
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            raise UserError(
                f"The layers of the model do not fit together. Received: {path}: {reason}. Give a model.h5 that train wrote."
            ) from error

    def label(self, score: float) -> str:
        """The name of what a score means."""
        return self.model.label_names[int(score >= self.threshold)]

    def score(self, texts: list[str]) -> np.ndarray:
        """P(positive) of each text: `<float32>[texts]`."""
        return self.score_ids(self.model.encoder.encode(texts))

    def parts(self, texts: list[str]) -> dict[str, np.ndarray]:
        """The `outputs` of each text."""
        return self.outputs(self.model.encoder.encode(texts))

    def score_ids(self, reviews: Encoded) -> np.ndarray:
        """P(positive) of each row: `<float32>[rows]`."""
        return self.outputs(reviews, ("score",))["score"]

    def outputs(self, reviews: Encoded, names: Sequence[str] | None = None) -> dict[str, np.ndarray]:
        """`<float32>[rows]` by name: `score`, `network_logit` and `ngrams_logit`, as far as the model has them and they are named.

        Without names, all. Rows of like length are scored together.
        """
        outputs_asked = names or self._names
        if len(reviews) == 1:
            return self._run(reviews, outputs_asked)
        outputs = {name: np.empty(len(reviews), np.float32) for name in outputs_asked}
        order = np.argsort(reviews.tokens.lengths, kind="stable")
        lengths = reviews.tokens.lengths[order]
        at = 0
        while at < len(order):
            # The batch that begins at `at` is as wide as its last row; it may hold TOKENS_AT_ONCE.
            sizes = np.arange(1, len(order) - at + 1) * lengths[at:]
            count = max(int(np.searchsorted(sizes, TOKENS_AT_ONCE, side="right")), 1)
            rows = order[at : at + count]
            for name, values in self._run(reviews.take(rows), outputs_asked).items():
                outputs[name][rows] = values
            at += count
        return outputs

    def _run(self, reviews: Encoded, names: Sequence[str]) -> dict[str, np.ndarray]:
        feeds = {name: PADDED[name](reviews) for name in self._inputs}
        session = self._one if len(reviews) == 1 else self._many
        return {name: values[:, 0] for name, values in zip(names, session.run(list(names), feeds), strict=True)}


def _session(graph: bytes, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # waiting threads leave the cores to other requests
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
