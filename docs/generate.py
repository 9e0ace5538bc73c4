"""`make docs`: writes what follows from the settings, MLproject and docs/parameters.md."""

from pathlib import Path
from typing import Any

from sentiment.paths import PROJECT
from sentiment.settings import ENTRY_POINTS, REQUIRED, as_text, parameters

MLPROJECT = """# Written by `make docs` from sentiment/settings.
name: sentiment

python_env: python_env.yaml

entry_points:
"""
PARAMETERS = """# Parameters

Written by `make docs` from `sentiment/settings`.
`mlflow run . -e train -P lstm_size=128` is `python -m entry_points.train --lstm-size=128`.
"""


def mlproject() -> str:
    """The file MLproject: each entry point's parameters with their defaults, and its command."""
    return MLPROJECT + "\n".join(map(_entry_point, ENTRY_POINTS))


def _entry_point(name: str) -> str:
    lines, options = [f"  {name}:", "    parameters:"], []
    for parameter in parameters(ENTRY_POINTS[name]):
        default = "" if parameter.default == REQUIRED else f', default: "{as_text(parameter.default)}"'
        lines.append(f"      {parameter.name}: {{type: string{default}}}")
        options.append(f"      --{parameter.name.replace('_', '-')}={{{parameter.name}}}")
    return "\n".join([*lines, "    command: >-", f"      python -m entry_points.{name}", *options, ""])


def parameter_tables() -> str:
    """The page of parameters: a table for each entry point, of what it does not take over from another one."""
    return PARAMETERS + "".join(map(_table, ENTRY_POINTS))


def _table(name: str) -> str:
    kind = ENTRY_POINTS[name]
    others = [other for other, base in ENTRY_POINTS.items() if base in kind.__mro__[1:]]
    inherited = [declared for other in others for declared in parameters(ENTRY_POINTS[other])]
    own = [parameter for parameter in parameters(kind) if not any(_same(parameter, declared) for declared in inherited)]
    missing = [d.name for d in inherited if d.name not in {parameter.name for parameter in parameters(kind)}]
    lines = [f"\n## {name}\n"]
    if others:
        but = f", but for {_names(missing)}" if missing else ""
        lines.append(f"All of {_names(others)}{but}{', and these:' if own else '.'}\n")
    lines += ["| parameter | default | meaning |", "|---|---|---|", *map(_row, own)]
    return "\n".join(lines) + "\n"


def _same(parameter: Any, declared: Any) -> bool:
    facts = [(each.name, each.type, each.default, each.metadata["choices"]) for each in (parameter, declared)]
    return facts[0] == facts[1]


def _names(names: list[str]) -> str:
    return " and ".join(f"`{name}`" for name in names)


def _row(parameter: Any) -> str:
    default = "required" if parameter.default == REQUIRED else f"`{as_text(parameter.default)}`"
    choices = parameter.metadata["choices"]
    meaning = parameter.metadata["help"] + (f" ({', '.join(f'`{choice}`' for choice in choices)})" if choices else "")
    return f"| `{parameter.name}` | {default} | {meaning.replace('|', chr(92) + '|')} |"


PAGES = {PROJECT / "MLproject": mlproject, PROJECT / "docs" / "parameters.md": parameter_tables}


def write(path: Path) -> None:
    path.write_text(PAGES[path](), encoding="utf-8")
    print(path.relative_to(PROJECT))


if __name__ == "__main__":
    for page in PAGES:
        write(page)
