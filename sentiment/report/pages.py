"""Templates to pages. Whatever is put into one is escaped."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def render(template: str, **values: Any) -> str:
    """The page that a template of this folder gives with these values."""
    return _templates.get_template(template).render(values)


def size(count: float) -> str:
    """Bytes, in a unit that is short."""
    factor, unit = next((each for each in UNITS if count >= each[0]), (1, "bytes"))
    return f"{count / factor:.3g} {unit}"


def duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def p_value(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


_templates.filters.update(size=size, duration=duration, p_value=p_value)
