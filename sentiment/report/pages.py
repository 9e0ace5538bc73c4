"""Templates to pages. Whatever is not markup of ours is escaped."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from sentiment.plots import style

TEMPLATES = Path(__file__).parent / "templates"


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


@cache
def _environment() -> Environment:
    loader = FileSystemLoader(TEMPLATES)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"percent": percent, "signed": signed}
    return environment
