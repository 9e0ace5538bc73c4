"""What stands twice has to be equal: defaults, environments, versions, the README's tables."""

import re
import subprocess

import pytest
import yaml

from sentiment import settings
from sentiment.paths import PROJECT
from sentiment.reviews import batch
from sentiment.settings import as_text, parameters
from sentiment.text.vocabulary import FIRST_WORD

ENTRY_POINTS = {
    "main": settings.MainSettings,
    "prepare": settings.PrepareSettings,
    "train": settings.TrainSettings,
    "parity": settings.ParitySettings,
    "register": settings.RegisterSettings,
    "score": settings.ScoreSettings,
    "send": settings.SendSettings,
    "tune": settings.TuneSettings,
}


def load(name: str) -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load((PROJECT / name).read_text())
    return found


def test_mlproject_has_the_parameters_and_defaults_of_the_settings() -> None:
    project = load("MLproject")
    declared = project["entry_points"]
    assert isinstance(declared, dict)
    assert set(declared) == set(ENTRY_POINTS)
    for name, kind in ENTRY_POINTS.items():
        required = {"type": "string"}
        expected = {
            f.name: required if f.default == settings.REQUIRED else required | {"default": as_text(f.default)} for f in parameters(kind)
        }
        assert declared[name]["parameters"] == expected, name
        options = [f"--{f.name.replace('_', '-')}={{{f.name}}}" for f in parameters(kind)]
        assert declared[name]["command"].split() == ["python", "-m", f"entry_points.{name}", *options]


def test_every_entry_point_is_in_mlproject_and_in_the_readme() -> None:
    programs = {file.stem for file in (PROJECT / "entry_points").glob("*.py")} - {"__init__"}
    assert programs == set(ENTRY_POINTS)
    readme = (PROJECT / "README.md").read_text()
    for name, kind in ENTRY_POINTS.items():
        assert f"`{name}`" in readme
        for parameter in parameters(kind):
            assert f"`{parameter.name}`" in readme, f"{name}: {parameter.name} is not in README.md"


def test_readme_tells_the_defaults() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\S+) \|", (PROJECT / "README.md").read_text(), re.MULTILINE)
    defaults = {(f.name, as_text(f.default) or "required") for kind in ENTRY_POINTS.values() for f in parameters(kind)}
    names = {name for name, _ in defaults} - {"run"}  # which is told in the text, too
    assert {(name, default.strip("`")) for name, default in rows if name in names} == {pair for pair in defaults if pair[0] in names}


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


@pytest.mark.parametrize(
    "file",
    [
        "requirements.txt",
        "requirements-dev.txt",
        "requirements-spark.txt",
        "environments/jax/requirements.txt",
        "environments/torch/requirements.txt",
    ],
)
def test_every_requirement_is_pinned_in_the_lock(file: str) -> None:
    lines = (PROJECT / file).read_text().splitlines()
    names = [line for line in lines if line and line[0] not in "#-"]
    assert names
    for name in names:
        assert name.lower().partition("[")[0] in pinned(), f"{name} of {file} is not in constraints.txt: run `make lock`"


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
    assert not [name for name in pinned() if re.match(r"nvidia|cuda|triton|torch", name)]


def test_the_trainer_needs_nothing_but_keras() -> None:
    """Its imports, and that it is valid Python 3.6 (which the tests on CNTK show by running it)."""
    allowed = {
        "argparse",
        "ctypes",
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
