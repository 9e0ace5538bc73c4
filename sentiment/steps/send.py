"""Runs that lie in a folder, as a tracking server did not take them, to the server that there is now."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlflow.exceptions import MlflowException

from sentiment import tracking
from sentiment.errors import StepError, UserError
from sentiment.progress import Bar
from sentiment.settings import SendSettings
from sentiment.tracking import commands


def run(settings: SendSettings) -> None:
    """Sends all runs in the folder, and removes what was sent. Done twice, each run is there once.

    Raises:
        UserError: There is no such folder, or the process that writes it is still at work.
        StepError: The server does not take a run; the folder has it still.
    """
    folder = Path(settings.folder).expanduser()
    every = [tracking.read_unsent(file.parent) for file in sorted(folder.rglob(tracking.RUN_FILE))] if folder.is_dir() else []
    if not every:
        raise UserError(f"There is nothing to send. Received: folder={settings.folder}. Give the folder that a command named at its end.")
    if any(unsent.is_at_work for unsent in every):
        raise UserError(f"The run is still at work, and sent as it goes. Received: folder={settings.folder}. Send it when it has ended.")
    runs = {}
    for unsent in sorted(every, key=lambda unsent: unsent.start_time):  # all of them first, as they name one another
        with _reporting(unsent.folder):
            runs[unsent.run_id] = tracking.run_here(unsent)
    sizes = {unsent.run_id: _size(unsent.folder) for unsent in every}
    with Bar("send", sum(sizes.values()), "bytes") as bar:
        for unsent in tracking.in_order(every):
            sent = runs[unsent.run_id]
            with _reporting(unsent.folder):
                tracking.send_again(unsent, sent)
            shutil.rmtree(unsent.folder)
            bar.advance(sizes[unsent.run_id])
            bar.print(f"send: run {sent.info.run_id} is on {tracking.redacted_uri()}")
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
    steps = [commands.open_page(commands.run_page(sent.info))]
    if not any(unsent.step == "register" and unsent.is_finished for unsent in every):
        trained = [runs[unsent.run_id].info.run_id for unsent in every if unsent.step == "train" and unsent.is_finished]
        steps += [(commands.entry_point("register", run=run_id), "to have it served, if the gate opens") for run_id in trained]
    commands.log_next_steps(*steps)


def _size(folder: Path) -> int:
    """In bytes."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


@contextmanager
def _reporting(outbox: Path) -> Iterator[None]:
    """Raises StepError where MLflow raises."""
    try:
        yield
    except (MlflowException, OSError) as error:
        why = " ".join(str(error).split())[:200]
        raise StepError(f"The tracking server {tracking.redacted_uri()} did not take {outbox}: {why}. Send it again later.") from error
