"""The driver's side of a trainer: starts it, sends it jobs, receives its events.

A trainer reads no file that came from elsewhere: what it needs of one is checked here and written anew for it.
"""

import contextlib
import json
import os
import select
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from sentiment import hdf5
from sentiment.backends.interpreters import Backend
from sentiment.callbacks import Progress, unseen
from sentiment.errors import DISK_FULL, StepError
from sentiment.model import keras_file, model_file
from sentiment.preparation import prepared
from sentiment.preparation.prepared import Prepared
from sentiment.ragged import from_lengths
from sentiment.reviews.batch import TRAIN, VALIDATION
from sentiment.text.vocabulary import Encoded
from sentiment.training import class_weights, word_vectors
from sentiment.training.messages import Epoch, LanguageEpoch, ModelFiles, Scores, Verdict
from sentiment.training.trainer_environment import available_cores, environment, seconds_of_silence
from sentiment.training.word_vectors import WordVectors

LOG_LINES = 15


class TrainerError(StepError):
    """A job failed, or its trainer ended."""


def write_ids(path: Path, reviews: Encoded) -> Path:
    """Writes ids as a trainer scores them."""
    with hdf5.writing(path) as file:
        prepared.write_ragged(reviews.tokens, file, "")
        prepared.write_ragged(reviews.ngrams, file, "ngram_")
    return path


def _trained_on(data: Prepared) -> Prepared:
    """What a trainer reads of it: the token ids of two splits; the others, with the unlabelled reviews, can be three times as many."""
    rows = data.rows(TRAIN, VALIDATION)
    no_words = from_lengths(np.empty(0, np.int32), np.zeros(len(rows), np.int64))
    return replace(data, tokens=data.tokens.take(rows), words=no_words, labels=data.labels[rows], split=data.split[rows], test_texts=[])


class Trainer:
    """A running trainer process; leave the `with` block, or close it, to end it. It also ends when the thread that made it does.

    cores: the CPU cores that it may use, by number; by default all of this process's.
    """

    def __init__(self, backend: Backend, cores: Sequence[int] | None = None) -> None:
        self.backend = backend
        self._cores = cores or available_cores()
        self._received = b""
        self.silence = seconds_of_silence()
        interpreter = backend.interpreter()
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 (closed in close)
        self._folder = tempfile.TemporaryDirectory(prefix="sentiment-trainer-")
        self._process = subprocess.Popen(
            [str(interpreter), "-m", "sentiment.trainer", "--driver", str(os.getpid()), "--cores", *map(str, self._cores)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment(backend, len(self._cores)),
            start_new_session=True,  # Ctrl-C is for the driver, which ends the trainer in its own time
        )
        try:
            self.device: str = self._receive()["device"]
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def train(
        self,
        data: Prepared,
        settings: dict[str, Any],
        after_epoch: Callable[[Epoch], Verdict],
        finish: Callable[[], ModelFiles | None],
        progress: Progress = unseen,
        start: Path | WordVectors | None = None,
    ) -> int:
        """Trains, and writes the model as `finish`, called after the last epoch, returns; returns how many weights the network has.

        Rare labels are weighted, as `class_weights` says; the logits of an epoch are without the prior's, which the saved network has.
        start: a model whose network it starts from, which is epoch 0, or vectors that its words start with.

        Raises:
            UserError: `start` is a file that is not a model.
            TrainerError: It failed.
        """
        files = {
            "prepared": str(self._written(data)),
            "start": str(self._rewritten(start)) if isinstance(start, Path) else None,
            "vectors": str(self._written_vectors(start)) if isinstance(start, WordVectors) else None,
        }
        share = class_weights.positive_share(data)
        weighting = {"label_weights": class_weights.label_weights(share), "prior_logit": class_weights.prior_logit(share)}
        self._send({"job": "train", "settings": settings, **weighting, **files})
        parameters = 0
        while True:
            message = self._receive()
            event = message.pop("event")
            if event == "built":
                parameters = message["parameters"]
            elif event == "progress":
                progress(message["tokens"], message["of"])
            elif event == "epoch":
                verdict = after_epoch(Epoch(**message))
                self._send({"keep": verdict.keep, "stop": verdict.stop})
            elif event == "trained":
                made = finish()
                self._send({"parts": str(made.parts), "model": str(made.model), "scale": made.scale} if made else {"model": None})
            elif event == "done":
                return parameters

    def learn_language(
        self,
        data: Prepared,
        settings: dict[str, Any],
        vectors: WordVectors,
        after_epoch: Callable[[LanguageEpoch], None],
        progress: Progress = unseen,
    ) -> WordVectors:
        """Trains the embedding and the LSTMs of a network to tell next words, and returns them. vectors: what its words start with.

        Raises:
            TrainerError: It failed.
        """
        made = Path(self._folder.name) / "layers.h5"
        files = {"prepared": str(self._written(data)), "vectors": str(self._written_vectors(vectors)), "model": str(made)}
        self._send({"job": "learn_language", "settings": settings, **files})
        while True:
            message = self._receive()
            event = message.pop("event")
            if event == "progress":
                progress(message["tokens"], message["of"])
            elif event == "epoch":
                after_epoch(LanguageEpoch(**message))
            elif event == "done":
                return word_vectors.from_layers(made)

    def _written(self, data: Prepared) -> Path:
        path = Path(self._folder.name) / "prepared.h5"
        prepared.write(_trained_on(data), path)
        return path

    def _written_vectors(self, vectors: WordVectors) -> Path:
        path = Path(self._folder.name) / "vectors.h5"
        word_vectors.write(vectors, path)
        return path

    def score(self, model: Path, reviews: Path, progress: Progress = unseen) -> Scores:
        """Scores the ids in a file that `write_ids` wrote, as the backend computes it.

        model: of this project, or of Keras 1 or 2; progress: gets the tokens that are done, and their number.

        Raises:
            UserError: It is neither, or something in it is not known.
        """
        self._send({"job": "score", "model": str(self._rewritten(model)), "reviews": str(reviews)})
        while (message := self._receive())["event"] == "progress":
            progress(message["tokens"], message["of"])
        return Scores(np.array(message["scores"]), np.array(message["network_logits"]))

    def _rewritten(self, model: Path) -> Path:
        path = Path(self._folder.name) / "model.h5"
        if model_file.is_ours(model):
            model_file.write(model_file.read(model), path)
        else:
            checked = keras_file.read(model)
            with hdf5.writing(path) as file:
                keras_file.write(checked, file)
        return path

    def log(self) -> str:
        """What the trainer printed so far."""
        self._log.seek(0)
        return self._log.read()

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self._fail()

    def _receive(self) -> dict[str, Any]:
        line = self._line()
        if not line:
            self._fail()
        message: dict[str, Any] = json.loads(line)
        if message["event"] == "failed":
            if message["errno"] in DISK_FULL:
                raise OSError(message["errno"], os.strerror(message["errno"]))
            raise TrainerError(f"{self.backend.name}: {message['error']}")
        return message

    def _line(self) -> bytes:
        """The next line from the trainer; nothing if it ended. One that says nothing for so many seconds counts as hanging."""
        assert self._process.stdout
        number = self._process.stdout.fileno()
        while b"\n" not in self._received:
            if not select.select([number], [], [], self.silence)[0]:
                raise TrainerError(
                    f"The {self.backend.name} trainer said nothing for {self.silence:.0f} s, and counts as hanging. "
                    "If it only needs longer, say how many seconds it may: SENTIMENT_TRAINER_SILENCE=7200."
                )
            part = os.read(number, 1 << 16)
            if not part:
                return b""
            self._received += part
        line, _, self._received = self._received.partition(b"\n")
        return line

    def _fail(self) -> None:
        status = self._process.wait()
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        last = "\n".join(self.log().splitlines()[-LOG_LINES:])
        printed = f" The last it printed:\n{last}" if last else ""
        raise TrainerError(f"The {self.backend.name} trainer {how}.{printed}")

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()  # it has nothing to finish: files are written whole or not at all
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        self._log.close()
        self._folder.cleanup()
