"""How the parameter `word_dropout` is written."""

from sentiment.errors import UserError

AUTO = "auto"


def parse(text: str) -> float | None:
    """The share that a text says, None for auto. Raises UserError if it says neither."""
    if text == AUTO:
        return None
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share < 1:
        raise UserError(f"word_dropout is not a number from 0 to below 1. Received: word_dropout={text}. Give one, or auto.")
    return share
