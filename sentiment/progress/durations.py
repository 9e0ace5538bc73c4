"""How long things took on this machine the last time, by name, in the user's cache folder."""

import json
import os
from contextlib import suppress

from sentiment.paths import cache_folder

FILE = "durations.json"
MOST = 24 * 3600  # seconds


def last(name: str, typical: float) -> float:
    """Seconds; what is typical, where nothing is known, or the file can't be read."""
    seconds = _read().get(name)
    return float(seconds) if isinstance(seconds, int | float) and 0 < seconds < MOST else typical


def remember(name: str, seconds: float) -> None:
    """Of two processes at once, one may forget what the other learned. Where nothing can be written, nothing is remembered."""
    path = cache_folder() / FILE
    unfinished = path.with_suffix(f".{os.getpid()}.unfinished")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(json.dumps(_read() | {name: round(seconds, 3)}, indent=1, sort_keys=True))
        unfinished.replace(path)


def _read() -> dict[str, object]:
    with suppress(OSError, ValueError):
        known = json.loads((cache_folder() / FILE).read_text())
        if isinstance(known, dict):
            return known
    return {}
