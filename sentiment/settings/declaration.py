"""How a parameter is declared, and how a text becomes its value."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from types import SimpleNamespace
from typing import Any

from sentiment.errors import UserError

REQUIRED = ""  # the default of a parameter that has none


def parameter(
    default: Any,
    help: str,
    *,
    minimum: float | None = None,
    exclusive_maximum: float | None = None,
    choices: tuple[str, ...] | None = None,
    check: Callable[[str], object] | None = None,
) -> Any:
    """A dataclass field that a user may set.

    Args:
        default: REQUIRED if there is none.
        help: What it means, for the command line and the docs.
        minimum: The least value of a number.
        exclusive_maximum: What a number is below.
        choices: The values of a text, if it may not be any.
        check: Raises UserError for a text that it can't be.
    """
    metadata = {"help": help, "minimum": minimum, "exclusive_maximum": exclusive_maximum, "choices": choices, "check": check}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Range:
    """What a search tries of one parameter, both ends included; nothing but `low` if they are equal."""

    low: float
    high: float

    def __str__(self) -> str:
        ends = dict.fromkeys((self.low, self.high))
        return "..".join(map(str, ends))


class Choices(tuple[str, ...]):
    """What a search tries of one parameter, one after the other."""

    def __str__(self) -> str:
        return ",".join(self)


def searched(kind: type, name: str, default: Range | Choices, choices: tuple[str, ...] | None = None, minimum: float | None = None) -> Any:
    """A field that takes a range or a list of what `kind` takes for its parameter `name`, or only of some choices of it.

    minimum: where a range may begin, if that is not where one value may.
    """
    declared = next(f for f in fields(kind) if f.name == name)
    metadata = {**declared.metadata, "choices": choices or declared.metadata["choices"]}
    one = SimpleNamespace(name=name, type=declared.type, default=declared.default, metadata=metadata)
    several = "a range" if isinstance(default, Range) else "one or several, with commas"
    return field(default=default, metadata={**metadata, "help": f"{metadata['help']}: {several}", "one": one, "range_minimum": minimum})


def parameters(kind: type) -> list[Any]:
    """The fields of a settings class that a user may set."""
    return [f for f in fields(kind) if f.init]


def part(kind: type, whole: Any, **changes: Any) -> Any:
    """The settings of one step out of those of the whole job."""
    return kind(**{f.name: getattr(whole, f.name) for f in parameters(kind) if hasattr(whole, f.name)} | changes)


def as_text(value: Any) -> str:
    """A value as MLflow shows it and as the command line takes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def from_text(parameter: Any, text: str) -> Any:
    """The value that a text has for a parameter, a field of a settings class.

    Raises:
        UserError: The text is not of the parameter's type, or the value is out of its range.
    """
    name, kind, meta = parameter.name, parameter.type, parameter.metadata
    received = f"Received: {name}={text}."
    if kind is Range:
        return _range(meta["one"], text, meta["range_minimum"])
    if kind is Choices:
        return Choices(dict.fromkeys(from_text(meta["one"], each.strip()) for each in text.split(",")))
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise UserError(f"{name} is not true or false. {received} Say true or false.")
        return text.lower() == "true"
    try:
        value = kind(text)
    except ValueError:
        expected = {int: "a whole number", float: "a number"}[kind]
        raise UserError(f"{name} is not {expected}. {received} Give {expected}, such as {as_text(parameter.default)}.") from None
    if meta["choices"] and value not in meta["choices"]:
        raise UserError(f"Unknown {name}. {received} Use one of: {', '.join(meta['choices'])}.")
    if kind is str and not value.strip():
        raise UserError(f"{name} is empty. {received} Leave it out for the default, {as_text(parameter.default)}.")
    if meta["check"]:
        meta["check"](value)
    if kind is not str:
        _check_range(value, meta["minimum"], meta["exclusive_maximum"], f"{name} is out of range. {received}")
    return value


def _check_range(value: float, minimum: float | None, exclusive_maximum: float | None, problem: str) -> None:
    limits = [f"at least {as_text(minimum)}"] * (minimum is not None) + [f"below {as_text(exclusive_maximum)}"] * (
        exclusive_maximum is not None
    )
    too_low = minimum is not None and value < minimum
    too_high = exclusive_maximum is not None and value >= exclusive_maximum
    if not math.isfinite(value) or too_low or too_high:
        raise UserError(f"{problem} Give a number {' and '.join(limits)}.")


def _range(one: Any, text: str, minimum: float | None) -> Range:
    """`16..128`, or one value; each as the parameter `one` takes it. minimum: where a range may begin, if not where a value may."""
    low, dots, high = text.partition("..")
    ends = Range(from_text(one, low), from_text(one, high if dots else low))
    if minimum is not None and ends.low < minimum and dots:
        raise UserError(f"The range of {one.name} begins too low. Received: {one.name}={text}. Begin at {minimum:g}.")
    if ends.low > ends.high:
        raise UserError(
            f"The range of {one.name} is empty. Received: {one.name}={text}. Put the smaller end first: {ends.high:g}..{ends.low:g}."
        )
    return ends
