"""Where things that outlive a run are kept on this machine."""

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


def cache_folder() -> Path:
    """What was downloaded or built once: `$XDG_CACHE_HOME/mlflow-sentiment`, by default in `~/.cache`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mlflow-sentiment"
