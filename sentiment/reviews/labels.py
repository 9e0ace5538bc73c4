"""What the labels of a table mean, and which parameters would say it."""

import csv
import re
import shlex
from collections.abc import Iterable
from typing import Any

from sentiment.errors import UserError
from sentiment.settings import PrepareSettings

LEFT_OUT = -2  # the label is one that does not count
KNOWN = {"1": 1, "positive": 1, "pos": 1, "true": 1, "0": 0, "negative": 0, "neg": 0, "false": 0}
LIKELY = {  # words that are proposed, not taken
    1: (
        "yes",
        "y",
        "t",
        "good",
        "great",
        "like",
        "liked",
        "up",
        "thumbs up",
        "👍",
        "fresh",
        "love",
        "happy",
        "recommended",
        "+",
        "p",
        "very positive",
        "positiv",
        "positif",
        "positivo",
        "positiva",
        "oui",
        "ja",
        "sim",
        "sì",
        "sí",
        "tak",
        "да",
    ),
    0: (
        "no",
        "n",
        "f",
        "bad",
        "poor",
        "dislike",
        "disliked",
        "down",
        "thumbs down",
        "👎",
        "rotten",
        "hate",
        "unhappy",
        "not recommended",
        "-",
        "very negative",
        "negativ",
        "négatif",
        "negativo",
        "negativa",
        "non",
        "nein",
        "nee",
        "não",
        "nie",
        "нет",
    ),
}
PREFIX = "__label__"  # fastText's
MANY = 20  # different labels
NUMBERED = re.compile(r"(?:__label__|label[_ ]?)?(-?\d+(?:\.\d+)?)(?: ?(?:stars?|points?|%|/ ?\d+|out of \d+(?: stars?)?))?")


class Labels:
    """The meaning of each label: 1 positive, 0 negative, LEFT_OUT, or None for one that is not known."""

    def __init__(self, settings: PrepareSettings) -> None:
        """Raises UserError if a label is to be both, or only one kind is named."""
        positive, negative = (_named(each) for each in (settings.positive, settings.negative))
        received = f"Received: positive={settings.positive}, negative={settings.negative}."
        if bool(positive) != bool(negative):
            raise UserError(f"Only one of positive and negative is named. {received} Name both, such as positive=4,5 and negative=1,2.")
        if both := positive & negative:
            raise UserError(f"A label would be positive and negative. {received} Name {min(both)} once.")
        self._named = bool(positive)
        self._meanings: dict[str, int | None] = {**dict.fromkeys(positive, 1), **dict.fromkeys(negative, 0)} if positive else {**KNOWN}

    def meaning(self, value: Any) -> int | None:
        label = str(value)
        if label not in self._meanings:
            plain = plain_label(label)
            known = self._meanings.get(plain, self._meanings.get(plain.removeprefix(PREFIX)))
            self._meanings[label] = LEFT_OUT if known is None and self._named else known
        return self._meanings[label]


def plain_label(value: Any) -> str:
    """In lower case, without blanks around it; a whole number without a point, one with a comma with a point."""
    label = re.sub(r"^(-?\d+),(\d+)$", r"\1.\2", str(value).strip().lower())
    try:
        number = float(label)
        return str(int(number)) if number.is_integer() else label
    except (ValueError, OverflowError):
        return label


def propose(values: Iterable[Any]) -> str:
    """The parameters that would name these labels, if that can be seen."""
    labels = sorted({plain_label(value) for value in values} - {"", "none", "nan"})
    if len(labels) > MANY:
        return f"These are over {MANY} different ones: give label_column=NAME if it is another column, or positive=... and negative=..."
    positive, negative = _by_words(labels) or _by_numbers(labels) or ([], [])
    if positive and negative:
        return f"Give positive={shlex.quote(','.join(positive))} and negative={shlex.quote(','.join(negative))}"
    shown = ", ".join(f'"{label}"' if "," in label else label for label in labels)
    return f"Give positive=... and negative=... of these labels: {shown[:200]}"


def _by_words(labels: list[str]) -> tuple[list[str], list[str]] | None:
    words = {label: label.removeprefix(PREFIX).replace("_", " ") for label in labels}
    known = {meaning: {word for word, its in KNOWN.items() if its == meaning and word.isalpha()} for meaning in (0, 1)}
    positive, negative = ([label for label in labels if words[label] in {*LIKELY[each], *known[each]}] for each in (1, 0))
    return (positive, negative) if positive and negative else None


def _by_numbers(labels: list[str]) -> tuple[list[str], list[str]] | None:
    """Over and under the middle of the scale."""
    found = {label: NUMBERED.fullmatch(label) for label in labels}
    numbers = {label: float(match[1]) for label, match in found.items() if match}
    numbers |= {label: float(label.count("★")) for label in labels if set(label) <= set("★☆")}
    if not numbers or len(numbers) < len(labels):
        return None
    middle = (min(numbers.values()) + max(numbers.values())) / 2
    ordered = sorted(labels, key=lambda label: numbers[label])
    return [label for label in ordered if numbers[label] > middle], [label for label in ordered if numbers[label] < middle]


def _named(names: str) -> set[str]:
    """The labels of a list with commas between, of which one with a comma stands in double quotes."""
    if names == "auto":
        return set()
    return {plain_label(label) for row in csv.reader([names], skipinitialspace=True) for label in row if label.strip()}
