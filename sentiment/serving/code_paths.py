"""Which of this project's files a served model needs: few, as each is a request to the tracking server."""

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


def copy(start: Path, folder: Path) -> Path:
    """Copies a module of the package, and all of the package that it imports, to a new package in the folder; returns that."""
    for source in needed(start):
        target = folder / PACKAGE.name / source.relative_to(PACKAGE)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    return folder / PACKAGE.name


def needed(start: Path) -> set[Path]:
    """The files of the package that a module's imports come to, itself included."""
    files, waiting = set[Path](), [start.resolve(), PACKAGE / "__init__.py"]
    while waiting:
        file = waiting.pop()
        if file.is_file() and file not in files:
            files.add(file)
            waiting += _imported(file)
    return files


def _imported(file: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == PACKAGE.name:
                for count in range(1, len(parts) + 1):
                    module = PACKAGE.joinpath(*parts[1:count])
                    yield from (module.with_suffix(".py"), module / "__init__.py")
