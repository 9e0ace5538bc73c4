"""`make doctor`: what this machine has and lacks, one line each; for what is lacking, the command that gets it."""

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from sentiment.backends import environments, interpreters
from sentiment.backends.interpreters import ALL, Backend
from sentiment.batch_scoring import spark
from sentiment.errors import UserError
from sentiment.paths import PROJECT, cache_folder
from sentiment.training.trainer_process import available_cores

OK, EXTRA, LACKS = "ok", "extra", "LACKS"  # there; not there, and not needed for `make run`; not there, and needed
LEAST_FREE = 5 * 2**30
SHOWN = 150  # characters of a line


@dataclass(frozen=True)
class Finding:
    """state: OK, EXTRA or LACKS; what: the thing; said: what was found, and the command where there is something to do."""

    state: str
    what: str
    said: str


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
    return Finding(OK if sys.version_info[:2] == (3, 11) else LACKS, "Python", f"{sys.version.split()[0]}, {sys.executable} (wanted: 3.11)")


def _environment() -> Finding:
    """Whether the packages are those of constraints.txt."""
    pins = dict(re.findall(r"^([\w.-]+)==([\w.]+)$", (PROJECT / "constraints.txt").read_text(), re.MULTILINE))
    needed = [re.split(r"[\[ ;]", line)[0] for line in (PROJECT / "requirements.txt").read_text().splitlines() if re.match(r"\w", line)]
    others = [
        f"{name} {has or 'missing'} (wanted: {pins[name]})" for name in needed if name in pins and (has := _version(name)) != pins[name]
    ]
    if others:
        return Finding(LACKS, "packages", f"{'; '.join(others)}: make -B .venv/ready")
    return Finding(OK, "packages", f"{len(needed)} as constraints.txt has them; mlflow {version('mlflow')}, keras {version('keras')}")


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
    told = _output("nvidia-smi", "-L").splitlines()
    if not told:
        return Finding(EXTRA, "GPU", "none of NVIDIA's: models train on the CPU")
    built = [name for name in ALL if environments.built(interpreters.cuda_name(name))]
    use = f"used by {', '.join(built)}" if built else "not used: make install BACKEND=tensorflow DEVICE=cuda (or jax, torch)"
    return Finding(OK if built else EXTRA, "GPU", f"{len(told)}, {told[0].partition(' (UUID')[0]}; {use}")


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
        there = tracking.look()
        yield Finding(OK, "tracking", there or f"{tracking.where()}, which the first run makes")
        champion = versions.holder("sentiment", "champion") if there else None
    except Exception as error:
        yield Finding(LACKS, "tracking", f"{' '.join(tracking.hide(str(error)).split())}")
        return
    if champion is None:
        yield Finding(EXTRA, "registry", "no champion of sentiment: make run")
    else:
        yield Finding(
            OK, "registry", f"sentiment@champion is version {champion.version}, trained on {champion.tags.get('reviews', 'reviews')}"
        )


def _machine() -> Iterator[Finding]:
    import psutil

    free = shutil.disk_usage(cache_folder()).free
    said = f"{free / 2**30:.0f} GiB free in {cache_folder()} (wanted: {LEAST_FREE / 2**30:.0f})"
    yield Finding(
        OK if free >= LEAST_FREE else LACKS, "disk", said if free >= LEAST_FREE else f"{said}: XDG_CACHE_HOME=FOLDER is elsewhere"
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


def main(say: Callable[[str], None] = print) -> int:
    """Says all findings; returns the exit status, 1 if something is lacking that `make run` needs."""
    lacks = False
    for finding in findings():
        say(f"{finding.state:<6}{finding.what:<20}{finding.said}"[:SHOWN])
        lacks = lacks or finding.state == LACKS
    return int(lacks)


if __name__ == "__main__":
    sys.exit(main())
