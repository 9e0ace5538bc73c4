"""How far a training is."""

from collections.abc import Callable

from sentiment.progress import EpochsBar
from sentiment.tracking import StepRun

SHOWN = ("train_loss", "val_loss", "val_accuracy", "val_auc")


class TrainProgress:
    """A training's epochs: on the terminal, and in the metrics of its run.

    epochs: the metrics of each, from the first, or from epoch 0, the model that it starts from.
    """

    def __init__(self, backend: str, most: int, active: StepRun, on_epoch_end: Callable[[dict[str, float], int], None]) -> None:
        """From here on the backend starts. most: epochs; on_epoch_end: is called with the metrics of each, and its number."""
        self.epochs: list[dict[str, float]] = []
        self._most, self._active, self._on_epoch_end = most, active, on_epoch_end
        self._tokens = EpochsBar("train", backend, most)

    def after_tokens(self, done: int, total: int) -> None:
        self._tokens.set(done, total)

    def after_epoch(self, epoch: int, metrics: dict[str, float]) -> bool:
        """Returns whether to give up: never."""
        self._active.log_metrics(metrics, epoch)
        self._on_epoch_end(metrics, epoch)
        self.epochs.append(metrics)
        shown = "  ".join(f"{name} {metrics[name]:.4f}" for name in SHOWN if name in metrics)
        if epoch:
            self._tokens.end_epoch(f"epoch {epoch:>2}/{self._most}  {shown}  {metrics['tokens_per_second']:,.0f} tokens/s")
        else:
            self._tokens.print(f"before epoch 1  {shown}")
        return False

    def close(self) -> None:
        self._tokens.close()
