"""Templates to pages. Whatever is not markup of ours is escaped."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from sentiment.plots import style

TEMPLATES = Path(__file__).parent / "templates"
UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def render(template: str, **facts: Any) -> str:
    """A page of HTML. Raises jinja2's errors, if the template asks for what is not among the facts."""
    return _environment().get_template(template).render(facts)


def drawing(figure: Figure) -> Markup:
    return Markup(style.svg(figure))  # its texts are escaped by matplotlib


def percent(share: float) -> str:
    """As it is read: `87.2 %`."""
    return f"{share:.1%}".replace("%", "\u202f%")


def signed(weight: float) -> str:
    return f"{weight:+.3f}".replace("-", "−")


def size(count: float) -> str:
    """Bytes, in a unit that is short."""
    factor, unit = next((each for each in UNITS if count >= each[0]), (1, "bytes"))
    return f"{count / factor:.3g} {unit}"


def duration(seconds: float) -> str:
    if seconds < 600:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def p_value(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


@cache
def _environment() -> Environment:
    loader = FileSystemLoader(TEMPLATES)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"percent": percent, "signed": signed, "size": size, "duration": duration, "p_value": p_value}
    return environment
