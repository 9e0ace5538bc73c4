"""Environments of backends that don't live in this one: built once, under the user's cache folder, from `environments/NAME/`.

An environment is keyed by its recipe, so a changed recipe is another environment. A lock keeps two builders apart, and a
mark is set at the end: what has no mark was left half-built and is built anew.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from sentiment.errors import UserError
from sentiment.paths import PROJECT, cache_folder
from sentiment.progress import Wait

RECIPES = PROJECT / "environments"
DONE = "complete"
BUILDS = 90  # seconds, with a fast network


def _recipe(name: str) -> list[Path]:
    """The files that an environment is made from."""
    own = sorted(file for file in (RECIPES / name).iterdir() if file.suffix in (".txt", ".py"))
    shared = [PROJECT / "constraints.txt"] if "constraints.txt" in (RECIPES / name / "requirements.txt").read_text() else []
    return own + shared


def has_recipe(name: str) -> bool:
    return (RECIPES / name / "requirements.txt").is_file()


def folder(name: str) -> Path:
    """Where the environment is, or would be."""
    key = hashlib.sha256(b"\0".join(file.read_bytes() for file in _recipe(name))).hexdigest()[:12]
    return cache_folder() / "environments" / f"{name}-{key}"


def built(name: str) -> Path | None:
    """Its interpreter, if it is there and whole."""
    if not has_recipe(name):
        return None
    python = folder(name) / "bin" / "python"
    return python if (folder(name) / DONE).exists() and python.exists() else None


def build(name: str, version: str | None = None) -> Path:
    """Makes the environment, unless it is there, with a Python of a version (`3.6`), or with this one; returns its interpreter.

    Raises:
        UserError: It has no recipe, there is no such Python, or a step failed; the log says how.
    """
    if not has_recipe(name):
        raise UserError(
            f"There is nothing to build the environment from. Received: {name}. Write environments/{name}/requirements.txt; "
            "docs/extending.md says how."
        )
    python = built(name)
    if python:
        return python
    base = find_python(version) if version else Path(sys.executable)
    target = folder(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / f"{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the system lets go of it if this process is killed
        python = built(name)
        if python:
            return python
        shutil.rmtree(target, ignore_errors=True)
        log = target.parent / f"{target.name}.log"
        print(f"Building the environment of {name} in {target}, once.", flush=True)
        with log.open("w") as output, Wait(f"environment of {name}", BUILDS):
            for step in _steps(name, target, base):
                output.write(f"$ {' '.join(step)}\n")
                output.flush()
                if subprocess.run(step, stdout=output, stderr=subprocess.STDOUT, env=_environment(name), cwd=RECIPES / name).returncode:
                    raise UserError(
                        f"The environment of {name} could not be built. Received: {_last_line(log)}. "
                        f"Read {log}, mend what it says and start again."
                    )
        (target / DONE).touch()
    return target / "bin" / "python"


def _steps(name: str, target: Path, base: Path) -> Iterator[list[str]]:
    """The commands of a build; the recipe's own scripts are optional."""
    recipe, python = RECIPES / name, str(target / "bin" / "python")
    install = [python, "-m", "pip", "install", "--disable-pip-version-check"]
    yield [str(base), "-m", "venv", str(target)]
    if (recipe / "pip.txt").exists():
        yield [*install, "-r", "pip.txt"]
    yield [*install, "-r", "requirements.txt"]
    if (recipe / "no-deps.txt").exists():
        yield [*install, "--no-deps", "-r", "no-deps.txt"]
    for script in ("link_mpi.py", "check.py"):
        if (recipe / script).exists():
            yield [python, script]


def _environment(name: str) -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")} | {"KERAS_BACKEND": name}


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip()[:300] if lines else "no output"


def find_python(version: str) -> Path:
    """An interpreter of that version (`3.6`): from the path, pyenv or conda.

    Raises:
        UserError: There is none.
    """
    for candidate in _candidates(version):
        answer = _version_of(candidate) if candidate.exists() else ""
        if answer == version:
            return candidate
    raise UserError(
        f"There is no Python {version} on this machine, which the backend needs. Received: nothing on the path, in pyenv or in conda. "
        f"Get one with `pyenv install {version}` or `conda create -y -n python{version} python={version}`."
    )


def _candidates(version: str) -> Iterator[Path]:
    program = f"python{version}"
    for part in os.environ.get("PATH", "").split(os.pathsep):
        yield Path(part) / program
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted((pyenv / "versions").glob(f"{version}.*/bin/{program}"))
    bases = [Path(os.environ["CONDA_EXE"]).parent.parent] if os.environ.get("CONDA_EXE") else []
    bases += [Path.home() / name for name in (".conda", "miniconda3", "miniforge3", "anaconda3", "mambaforge")]
    for conda in bases:
        yield from sorted(conda.glob(f"envs/*/bin/{program}"))


def _version_of(python: Path) -> str:
    """`3.6`; nothing if it doesn't run, as pyenv's shims of versions that are not switched on."""
    try:
        version = subprocess.run(
            [python, "-c", "import sys, ssl, venv; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return version.stdout.strip() if version.returncode == 0 else ""
