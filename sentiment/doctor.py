"""`make doctor`: what this machine has and lacks, one line each; for what is lacking, the command that gets it."""

import importlib.util
import platform
import shutil
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from sentiment.backends import environments, interpreters
from sentiment.backends.interpreters import ALL, Backend
from sentiment.batch_scoring import spark
from sentiment.errors import UserError
from sentiment.libraries import configure_libraries
from sentiment.paths import PROJECT, cache_folder
from sentiment.training.trainer_environment import available_cores

OK, EXTRA, LACKS = "ok", "optional", "LACKS"  # there; not there, and not needed for `make run`; not there, and needed
MINIMUM_FREE = 5 * 2**30
LINE_LENGTH = 150


@dataclass(frozen=True)
class Finding:
    """state: OK, EXTRA or LACKS; what: the thing; message: what is there, and the command where there is something to do."""

    state: str
    what: str
    message: str


def findings() -> Iterator[Finding]:
    yield _python()
    yield _environment()
    for backend in ALL.values():
        yield _backend(backend)
    yield _gpu()
    yield _spark()
    yield _postgres()
    yield from _tracking()
    yield from _machine()


def _python() -> Finding:
    """Whether its version is one that pyproject.toml takes."""
    taken = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["requires-python"]
    running = platform.python_version()
    return Finding(OK if SpecifierSet(taken).contains(running) else LACKS, "Python", f"{running}, {sys.executable} (wanted: {taken})")


def _environment() -> Finding:
    """Whether the packages are those of constraints.txt."""
    needed = [each.name for each in _requirements("requirements.txt")]
    pins = {each.name: str(each.specifier).removeprefix("==") for each in _requirements("constraints.txt")}
    others = [
        f"{name} {has or 'missing'} (wanted: {pins[name]})" for name in needed if name in pins and (has := _version(name)) != pins[name]
    ]
    if others:
        return Finding(LACKS, "packages", f"{'; '.join(others)}: make -B .venv/ready")
    return Finding(OK, "packages", f"{len(needed)} as constraints.txt has them; mlflow {version('mlflow')}, keras {version('keras')}")


def _requirements(file: str) -> list[Requirement]:
    """Those of a file of the project that are for this Python."""
    lines = [line for line in (PROJECT / file).read_text().splitlines() if line and not line.startswith("#")]
    return [each for each in map(Requirement, lines) if each.marker is None or each.marker.evaluate()]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _backend(backend: Backend) -> Finding:
    what = f"backend {backend.name}"
    if backend.is_ready():
        cuda = environments.built(interpreters.cuda_name(backend.name))
        return Finding(OK, what, f"{'CUDA, ' if cuda else ''}{cuda or backend.interpreter()}")
    if backend.own_python is None:
        return Finding(EXTRA, what, f"not installed: make install BACKEND={backend.name}")
    try:
        return Finding(OK, what, f"built on first use, with {environments.find_python(backend.own_python)}")
    except UserError:
        return Finding(EXTRA, what, f"there is no Python {backend.own_python}: pyenv install {backend.own_python}")


def _gpu() -> Finding:
    gpus = _output("nvidia-smi", "-L").splitlines()
    if not gpus:
        return Finding(EXTRA, "GPU", "none of NVIDIA's: models train on the CPU")
    built = [name for name in ALL if environments.built(interpreters.cuda_name(name))]
    use = f"used by {', '.join(built)}" if built else "not used: make install BACKEND=tensorflow DEVICE=cuda (or jax, torch)"
    return Finding(OK if built else EXTRA, "GPU", f"{len(gpus)}, {gpus[0].partition(' (UUID')[0]}; {use}")


def _spark() -> Finding:
    try:
        spark.check()
    except UserError as error:
        return Finding(EXTRA, "Spark", f"for score with engine=spark: {error}")
    return Finding(OK, "Spark", f"PySpark {version('pyspark')} and Java")


def _postgres() -> Finding:
    if importlib.util.find_spec("psycopg") is None:
        return Finding(LACKS, "PostgreSQL", "no driver, for tune on several machines: make -B .venv/ready")
    import psycopg

    return Finding(OK, "PostgreSQL", f"driver psycopg {version('psycopg')} ({psycopg.pq.__impl__})")


def _tracking() -> Iterator[Finding]:
    """The server, as a command would check it, and who is champion there; nothing is made there, no experiment and no file."""
    from sentiment import tracking
    from sentiment.registry import versions

    try:
        location = tracking.existing_location()
        yield Finding(OK, "tracking", location or f"{tracking.redacted_uri()}, which the first run makes")
        champion = versions.version_of_alias("sentiment", "champion") if location else None
    except Exception as error:
        yield Finding(LACKS, "tracking", f"{' '.join(tracking.redact(str(error)).split())}")
        return
    if champion is None:
        yield Finding(EXTRA, "registry", "no champion of sentiment: make run")
    else:
        yield Finding(
            OK, "registry", f"sentiment@champion is version {champion.version}, trained on {champion.tags.get('reviews', 'reviews')}"
        )


def _machine() -> Iterator[Finding]:
    import psutil

    free = shutil.disk_usage(next(folder for folder in (cache_folder(), *cache_folder().parents) if folder.is_dir())).free
    message = f"{free / 2**30:.0f} GiB free in {cache_folder()} (wanted: {MINIMUM_FREE / 2**30:.0f})"
    yield Finding(
        OK if free >= MINIMUM_FREE else LACKS, "disk", message if free >= MINIMUM_FREE else f"{message}: XDG_CACHE_HOME=FOLDER is elsewhere"
    )
    memory = psutil.virtual_memory()
    yield Finding(
        OK, "machine", f"{len(available_cores())} CPU cores, {memory.total / 2**30:.0f} GiB of memory, {memory.available / 2**30:.0f} free"
    )


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def main(write: Callable[[str], None] = print) -> int:
    """Writes all findings, a line each; returns the exit status, 1 if something is lacking that `make run` needs."""
    configure_libraries()
    lacks = False
    for finding in findings():
        begin = f"{finding.state:<10}{finding.what:<20}"
        for line in textwrap.wrap(begin + finding.message, LINE_LENGTH, subsequent_indent=" " * len(begin), break_on_hyphens=False):
            write(line)
        lacks = lacks or finding.state == LACKS
    return int(lacks)


if __name__ == "__main__":
    sys.exit(main())
