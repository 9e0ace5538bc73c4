"""Environments apart: built once, by one builder, and again if a build was cut off. With a recipe that needs no network."""

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from sentiment.backends import environments, interpreters
from sentiment.errors import UserError
from sentiment.paths import PROJECT
from tests.test_project_files import pinned

pytestmark = pytest.mark.slow

BUILD = """
import sys
from pathlib import Path
from sentiment.backends import interpreters, environments
environments.RECIPES = Path(sys.argv[1])
print(environments.build("made"))
"""


@pytest.fixture
def recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe whose check counts how often it ran."""
    folder = tmp_path / "recipes" / "made"
    folder.mkdir(parents=True)
    (folder / "requirements.txt").write_text("# nothing\n")
    counting = f"""
        import time
        time.sleep(0.5)
        with open({str(tmp_path / "builds")!r}, "a") as file:
            file.write("built\\n")
    """
    (folder / "check.py").write_text(textwrap.dedent(counting))
    monkeypatch.setattr(environments, "RECIPES", folder.parent)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder.parent


def builds(recipes: Path) -> int:
    return len((recipes.parent / "builds").read_text().splitlines())


def test_a_home_that_can_not_be_written_is_no_matter_where_nothing_is_built(recipes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(recipes / "made" / "requirements.txt"))
    assert environments.built("made") is None


def test_two_at_once_build_one(recipes: Path) -> None:
    command = [sys.executable, "-c", BUILD, str(recipes)]
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    both = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = {process.communicate(timeout=300)[0].splitlines()[-1] for process in both}
    assert [process.returncode for process in both] == [0, 0]
    (python,) = answers
    assert environments.built("made") == Path(python)
    assert builds(recipes) == 1


def test_what_was_left_half_built_is_built_anew(recipes: Path) -> None:
    place = environments.folder("made")
    (place / "bin").mkdir(parents=True)
    (place / "bin" / "python").write_text("half")
    assert environments.built("made") is None
    python = environments.build("made")
    assert subprocess.run([python, "-c", "print(1)"], capture_output=True, check=True).stdout == b"1\n"
    assert environments.build("made") == python
    assert builds(recipes) == 1


def test_another_recipe_is_another_environment(recipes: Path) -> None:
    before = environments.folder("made")
    (recipes / "made" / "requirements.txt").write_text("# something else\n")
    assert environments.folder("made") != before


def test_a_build_that_fails_says_where_to_look(recipes: Path) -> None:
    (recipes / "made" / "check.py").write_text("raise SystemExit('the check failed')")
    with pytest.raises(UserError, match=r"the check failed.*Read .*log"):
        environments.build("made")
    assert environments.built("made") is None


def test_an_environment_for_gpus_is_preferred(recipes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(interpreters.ALL, "made", interpreters.Backend("made", "json"))
    assert interpreters.ALL["made"].interpreter() == Path(sys.executable)
    with pytest.raises(UserError, match="DEVICE=cuda is not to be had for made"):
        interpreters.install("made", "cuda")
    shutil.copytree(recipes / "made", recipes / "made-cuda")
    python = interpreters.install("made", "cuda")
    assert python == environments.built("made-cuda")
    assert interpreters.ALL["made"].interpreter() == python


def test_an_unknown_device_or_backend(recipes: Path) -> None:
    with pytest.raises(UserError, match="DEVICE=tpu"):
        interpreters.install("jax", "tpu")
    with pytest.raises(UserError, match="Unknown backend"):
        interpreters.install("theano", "cpu")


def test_no_python_of_that_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PATH", "PYENV_ROOT", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.delenv("CONDA_EXE", raising=False)
    with pytest.raises(UserError, match=r"pyenv install 3\.6"):
        environments.find_python("3.6")
    for place in ("versions/3.6.15/bin", "miniforge3/envs/old/bin"):
        (tmp_path / place).mkdir(parents=True)
        fake = tmp_path / place / "python3.6"
        fake.write_text("#!/bin/sh\nexit 1\n")  # as a pyenv shim of a version that is not switched on
        fake.chmod(0o755)
    with pytest.raises(UserError):
        environments.find_python("3.6")
    fake.write_text("#!/bin/sh\necho 3.6\n")
    assert environments.find_python("3.6") == fake


def test_the_package_is_installed_in_the_versions_of_the_lock(tmp_path: Path) -> None:
    """What would be installed with all extras in an empty environment; nothing is."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    install = [sys.executable, "-m", "uv", "pip", "install", "--dry-run", "--python", str(tmp_path / "env" / "bin" / "python")]
    done = subprocess.run([*install, "-c", "constraints.txt", "-e", ".[jax,torch,spark,dev]"], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    installed = dict(re.findall(r"^ \+ ([\w.-]+)==(\S+)", done.stderr, re.MULTILINE))
    assert {"tensorflow", "jax", "torch", "pyspark", "pytest"} <= installed.keys()
    locked = pinned()
    assert not [name for name, version in installed.items() if name in locked and version not in locked[name]]
