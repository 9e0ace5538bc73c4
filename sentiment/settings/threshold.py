"""How the parameter `threshold` is written."""

from dataclasses import dataclass

from sentiment.errors import UserError

FIXED, AUTO, PRECISION = "fixed", "auto", "precision"
DEFAULT = 0.5


@dataclass(frozen=True)
class Rule:
    """kind: FIXED, AUTO or PRECISION; value: the threshold, or the precision that is wanted; of AUTO, 0."""

    kind: str
    value: float


def parse(text: str) -> Rule:
    """The rule of `0.5`, `auto` or `precision:0.95`. Raises UserError if the text is none of these."""
    kind, colon, number = text.partition(":") if text.startswith(PRECISION) else (FIXED, "", text)
    if text == AUTO:
        return Rule(AUTO, 0)
    try:
        value = float(number)
    except ValueError:
        value = 0
    if not 0 < value < 1 or bool(colon) != (kind == PRECISION):
        raise UserError(f"Unknown threshold. Received: threshold={text}. Give a number between 0 and 1, auto, or precision:0.95.")
    return Rule(kind, value)
