"""What runs are called."""

import re
from pathlib import Path
from typing import Any

from sentiment.settings import SIZES

FILES = ("reviews", "input", "file")  # parameters that say what a step is about, where it is no model
MADE_UP = re.compile(r"[a-z]+-[a-z]+-\d{1,3}")  # by MLflow: `melodic-lark-970`


def title(step: str, settings: Any, number: str | None = None) -> str:
    """`main bilstm 64×50 cntk`, `trial 3 cnn 250×3×250×50 torch`, `prepare reviews.txt`, `pretrain teacher bilstm 64×50 cntk`."""
    words = [step, number or "", settings.pretrain if step == "pretrain" else ""]
    if hasattr(settings, "architecture"):
        words += [network(settings), str(settings.backend)]
    else:
        words += [Path(getattr(settings, name)).name for name in FILES if hasattr(settings, name)][:1]
    return " ".join(filter(None, words))


def network(settings: Any) -> str:
    """An architecture with its sizes, the top of the network first: `bilstm 64×50`; without them where a search tries several."""
    sizes = [getattr(settings, name) for name in reversed(SIZES.get(str(settings.architecture), ()))]
    known = "×".join(map(str, sizes)) if all(isinstance(size, int) for size in sizes) else ""
    return f"{settings.architecture} {known}".strip()


def is_made_up(name: str | None) -> bool:
    """Whether nobody gave the run that name."""
    return bool(MADE_UP.fullmatch(name or ""))
