"""How soon a network is good, and what memory that takes: the default training on IMDB, and Keras's public example on the same reviews."""

import multiprocessing
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import psutil

from benchmarks import keras_example
from benchmarks.common import prepare, train
from benchmarks.report import Row
from sentiment.preparation import prepared
from sentiment.preparation.prepared import Prepared
from sentiment.settings import PrepareSettings, TrainSettings

COMMAND = "IMDB=FILE python -m benchmarks learning"
GOOD = 0.88  # accuracy on the validation split
EVERY = 0.5  # seconds between two looks at the memory
UNIT = 1e9  # bytes


def rows(reviews: str) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "prepared.h5"
        texts = len(prepare(PrepareSettings(reviews=reviews), path).words)
        epochs, memory = _ours(path)
        good = next((seconds for seconds, accuracy in epochs if accuracy >= GOOD), None)
        example = keras_example.run(path)
        best = max(example, key=lambda epoch: epoch["validation"])
    measured = (
        f"{memory / UNIT:.2f} GB, resident in the process that trains and the one that drives it, of {texts:,} reviews, many unlabelled"
    )
    made = [Row("memory of the default training on IMDB (less is better)", "4 GB", memory / (4 * UNIT), measured, COMMAND)]
    if good:
        measured = (
            f"{good:.0f} s, n-grams, vectors and teacher included, and {best['seconds']:.0f} s, of which {best['validation']:.4f} came; "
            f"validation accuracy after each of our epochs: {', '.join(f'{accuracy:.4f}' for _, accuracy in epochs)}"
        )
        what = f"time to {100 * GOOD:.0f} % of accuracy (less is better)"
        made.append(Row(what, "Keras's example, to the best of its two epochs", good / best["seconds"], measured, COMMAND))
    return made


def _ours(path: Path) -> tuple[list[tuple[float, float]], float]:
    """After each epoch, a teacher's too, the seconds since the start and the validation accuracy; and the most memory, in bytes."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_train, args=(path, theirs))
    process.start()
    theirs.close()
    most = 0.0
    while process.is_alive():
        most = max(most, _memory(process.pid or 0))
        process.join(EVERY)
    assert process.exitcode == 0, f"It ended with status {process.exitcode}."
    epochs: list[tuple[float, float]] = ours.recv()
    return epochs, most


def _memory(process: int) -> float:
    """Of it and what it started, in bytes."""
    try:
        first = psutil.Process(process)
        return float(sum(each.memory_info().rss for each in (first, *first.children(recursive=True))))
    except psutil.NoSuchProcess:
        return 0.0


def _train(path: Path, result: Connection) -> None:
    data: Prepared = prepared.read(path)
    begun, epochs = time.perf_counter(), list[tuple[float, float]]()

    def after_epoch(epoch: int, metrics: dict[str, float]) -> bool:
        epochs.append((time.perf_counter() - begun, metrics["val_accuracy"]))
        print(f"  {epochs[-1][0]:.0f} s: {epochs[-1][1]:.4f}", flush=True)
        return False

    train(TrainSettings(), data, path.with_name("model.h5"), after_epoch)
    result.send(epochs)
