"""The rooms of the package stand in a fixed order, and each imports only from those below it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from sentiment.paths import PROJECT

PACKAGE = PROJECT / "sentiment"
# From the bottom to the top; a name is a module of the package or a folder in it.
ROOMS = (
    ("callbacks", "database_server", "errors", "libraries", "paths", "ragged"),
    ("hdf5", "progress", "settings"),
    ("text",),
    ("reviews",),
    ("preparation",),
    ("model",),
    ("evaluation",),
    ("plots",),
    ("serving",),
    ("batch_scoring",),
    ("backends",),
    ("training",),
    ("tuning",),
    ("tracking",),
    ("registry",),
    ("report",),
    ("steps",),
    ("command_line", "doctor"),
)
FLOOR = {name: floor for floor, names in enumerate(ROOMS) for name in names}
TRAINER = "trainer"  # another process, in another Python: it imports from no room, and no room from it


def imports(file: Path) -> Iterator[tuple[str, ...]]:
    """The dotted names that a file imports, each as its parts."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((*node.module.split("."), alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)


def room(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_every_room_has_its_place_in_the_order() -> None:
    rooms = {room(file) for file in PACKAGE.rglob("*.py")} - {"__init__"}
    assert rooms == FLOOR.keys() | {TRAINER}


def test_each_room_imports_only_from_those_below() -> None:
    for file in PACKAGE.rglob("*.py"):
        for parts in imports(file):
            assert parts[0] != "entry_points", file
            if parts[0] != PACKAGE.name or len(parts) == 1:
                continue
            ours, theirs = room(file), parts[1]
            if TRAINER in (ours, theirs):
                assert ours == theirs, f"{file} imports {'.'.join(parts)}"
            elif ours != theirs:
                assert FLOOR[theirs] < FLOOR[ours], f"{file} imports {'.'.join(parts)}"


def test_scoring_needs_no_framework() -> None:
    blocked = ["keras", "tensorflow", "jax", "torch", "cntk", "mlflow"]
    code = f"import sys; sys.modules.update(dict.fromkeys({blocked})); import sentiment.model.scorer"
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True)
