"""What stands twice has to be equal: parameters, environments, versions."""

import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlflow import MlflowClient
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from docs import generate
from sentiment import settings
from sentiment.paths import PROJECT
from sentiment.reviews import batch
from sentiment.settings import as_text, parameters
from sentiment.text.vocabulary import FIRST_WORD
from tests.mlflow_pages import server_options
from tests.processes import answers, end, free_port, running, wait_until


def load(name: str) -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load((PROJECT / name).read_text())
    return found


@pytest.mark.parametrize("path", generate.PAGES, ids=lambda path: path.name)
def test_what_follows_from_the_settings_is_not_stale(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == generate.PAGES[path](), f"{path.name} is stale: run `make docs`"


def test_mlflow_reads_the_project() -> None:
    declared = load("MLproject")["entry_points"]
    assert isinstance(declared, dict)
    for name, kind in settings.ENTRY_POINTS.items():
        defaults = {parameter: entry.get("default", settings.REQUIRED) for parameter, entry in declared[name]["parameters"].items()}
        assert defaults == {parameter.name: as_text(parameter.default) for parameter in parameters(kind)}
        options = [f"--{parameter.replace('_', '-')}={{{parameter}}}" for parameter in defaults]
        assert declared[name]["command"].split() == ["python", "-m", f"entry_points.{name}", *options]


def test_every_entry_point_has_a_program_and_a_line_in_the_readme() -> None:
    programs = {file.stem for file in (PROJECT / "entry_points").glob("*.py")} - {"__init__"}
    assert programs == set(settings.ENTRY_POINTS) == set(load("MLproject")["entry_points"])  # type: ignore[call-overload]
    readme = (PROJECT / "README.md").read_text()
    assert not [name for name in programs if f"`{name}`" not in readme]


def test_conda_and_pyenv_make_the_same_environment() -> None:
    python_env, conda = load("python_env.yaml"), load("conda.yaml")
    assert isinstance(conda["dependencies"], list)
    *packages, pip = conda["dependencies"]
    assert packages[0] == f"python={python_env['python']}"
    build = [package for package in packages if not package.startswith("python=")]
    assert [package.replace("=", "==", 1) for package in build] == python_env["build_dependencies"]
    assert pip == {"pip": python_env["dependencies"]}


def pinned(file: str = "constraints.txt") -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for line in (PROJECT / file).read_text().splitlines():
        match = re.match(r"([\w.-]+)==([\w.+]+)", line)
        if match:
            found.setdefault(match[1].lower(), set()).add(match[2])
    return found


@pytest.mark.parametrize("file", ["requirements.txt", "environments/jax/requirements.txt", "environments/torch/requirements.txt"])
def test_every_requirement_is_pinned_in_the_lock(file: str) -> None:
    lines = (PROJECT / file).read_text().splitlines()
    requirements = [line for line in lines if line and line[0] not in "#-"]
    assert requirements
    assert not unpinned(requirements), f"{file}: run `make lock`"


def test_extras_have_names_alone_and_the_lock_their_versions() -> None:
    extras = package()["optional-dependencies"]
    assert set(extras) == {"jax", "torch", "spark", "dev"}
    requirements = [requirement for name, extra in extras.items() if name != "torch" for requirement in extra]  # from PyTorch's own index
    assert not unpinned(requirements), "run `make lock`"
    assert not [requirement for requirement in requirements if Requirement(requirement).specifier]


def unpinned(requirements: list[str]) -> list[str]:
    """Those that the lock lacks, or has in a version that they don't take."""
    locked = pinned()
    parsed = [Requirement(requirement) for requirement in requirements]
    return [str(each) for each in parsed if not any(each.specifier.contains(version) for version in locked.get(each.name.lower(), ()))]


def package() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    return found


def test_the_versions_of_python_are_the_same_everywhere() -> None:
    taken = SpecifierSet(package()["requires-python"])
    assert [minor for minor in range(6, 20) if f"3.{minor}" in taken] == [11, 12, 13]
    assert str(load("python_env.yaml")["python"]) in taken
    makefile = (PROJECT / "Makefile").read_text()
    assert "(3, 11) <= sys.version_info < (3, 14)" in makefile
    assert "Python 3.11, 3.12 or 3.13" in makefile
    assert "Python 3.11, 3.12 or 3.13" in (PROJECT / "README.md").read_text()


def test_another_python_is_refused_by_make() -> None:
    done = subprocess.run(
        ["make", "-s", "-B", ".venv/ready", "BIN=/nonexistent", "PYTHON=/bin/false"], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr.startswith("It takes Python 3.11, 3.12 or 3.13. Received: PYTHON=/bin/false.")


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_an_environment_for_gpus_has_the_versions_of_the_others(backend: str) -> None:
    versions = pinned(f"environments/{backend}-cuda/requirements.txt")
    assert backend in versions
    elsewhere = pinned() | pinned("environments/torch/no-deps.txt")  # which has two: of the CPU's build and of PyPI's
    assert not [name for name, version in versions.items() if name in elsewhere and not version <= elsewhere[name]]


def test_build_tools_are_those_of_the_lock() -> None:
    for line in load("python_env.yaml")["build_dependencies"]:  # type: ignore[attr-defined]
        name, version = line.split("==")
        assert pinned()[name] == {version}
    uv = re.search(r"^UV := (\S+)", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    assert uv
    assert pinned()["uv"] == {uv[1]}


def test_the_trainer_writes_what_the_others_read() -> None:
    """It may import nothing of theirs, so these stand twice."""
    files = (PROJECT / "sentiment" / "trainer" / "files.py").read_text()
    assert f"TRAIN, VALIDATION = {batch.TRAIN}, {batch.VALIDATION}" in files
    assert f"FIRST_WORD = {FIRST_WORD}" in files


def test_no_cuda_comes_in() -> None:
    """NVIDIA's reader of a GPU's load is Python alone."""
    assert not [name for name in pinned() if re.match(r"nvidia|cuda|triton|torch", name) and name != "nvidia-ml-py"]


def test_the_trainer_needs_nothing_but_keras() -> None:
    """Its imports, and that it is valid Python 3.6 (which the tests on CNTK show by running it)."""
    allowed = {
        "argparse",
        "ctypes",
        "errno",
        "importlib",
        "json",
        "os",
        "random",
        "signal",
        "sys",
        "time",
        "traceback",
        "typing",
        "h5py",
        "keras",
        "numpy",
        "cntk",
        "jax",
        "tensorflow",
        "torch",
    }
    for file in (PROJECT / "sentiment" / "trainer").rglob("*.py"):
        found = re.findall(r"^\s*(?:from|import) ([\w.]+)", file.read_text(), re.MULTILINE)
        assert all(name.split(".")[0] in allowed or name.startswith("sentiment.trainer") for name in found), file


def test_modules_are_short() -> None:
    files = subprocess.run(["git", "ls-files", "*.py"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout.split()
    long = {file: lines for file in files if (lines := len((PROJECT / file).read_text().splitlines())) > 400}
    assert not long


def test_an_audit_that_can_not_be_made_says_so() -> None:
    done = subprocess.run(["make", "-s", "-o", ".venv/ready", "audit", "HOLES=127.0.0.1:9"], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == "127.0.0.1:9, which knows the holes of packages, can't be reached from here. Nothing was checked."


@pytest.mark.slow
def test_make_shows_the_runs(store: str, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_SERVER_ENABLE_JOB_EXECUTION"}
    with log.open("w") as output:
        process = subprocess.Popen(
            ["make", "-s", "-o", ".venv/ready", "ui", f"UI_PORT={port}"],
            cwd=PROJECT, env=environment | {"MLFLOW_TRACKING_URI": store}, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/health") or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        experiment = MlflowClient(store).get_experiment_by_name("sentiment")
        assert experiment
        assert log.read_text().startswith(f"open: http://127.0.0.1:{port}/#/experiments/{experiment.experiment_id}/runs?searchFilter=")
    finally:
        end(process)


@pytest.mark.slow
def test_of_a_tracking_server_the_address_of_its_pages_is_shown(tmp_path: Path) -> None:
    with running(tmp_path, "/health", *server_options(tmp_path)) as url:
        done = make_ui(url)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"open: {url}/#/experiments/")
    gone = make_ui(url)
    assert gone.returncode == 2
    assert gone.stderr.startswith("The tracking server does not answer.")


def make_ui(address: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"MLFLOW_TRACKING_URI": address}
    return subprocess.run(["make", "-s", "-o", ".venv/ready", "ui"], cwd=PROJECT, env=environment, capture_output=True, text=True)
