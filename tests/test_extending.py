"""The examples of docs/extending.md, in a copy of the project."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sentiment.paths import PROJECT
from tests.commands import runs
from tests.trained import SIZES

pytestmark = pytest.mark.slow

PAGE = (PROJECT / "docs" / "extending.md").read_text(encoding="utf-8")
COPIED = ("data", "docs", "entry_points", "environments", "sentiment", "tests")
SMALL = [f"--{name.replace('_', '-')}={value}" for name, value in SIZES.items()]


class Copy:
    """A copy of the project, to which the page's files and lines are added."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in COPIED:
            shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("images", "__pycache__"))
        for name in ("constraints.txt", "pyproject.toml"):
            shutil.copy(PROJECT / name, folder)

    def add(self, file: str, beginning: str, without: str = "") -> None:
        """The file that the page names, with the block that begins so; without the lines that match."""
        assert f"`{file}`:" in PAGE, file
        lines = [line for line in block(beginning) if not without or not re.fullmatch(without, line)]
        (self.folder / file).parent.mkdir(exist_ok=True)
        (self.folder / file).write_text("\n".join(lines) + "\n", encoding="utf-8")

    def insert(self, file: str, after: str, beginning: str) -> None:
        """The line of the page that begins so, behind the one of the file that has `after`."""
        assert f"`{file}`" in PAGE, file
        (line,) = block(beginning)
        path = self.folder / file
        before, found, behind = path.read_text(encoding="utf-8").partition(after)
        assert found
        end, newline, rest = behind.partition("\n")
        path.write_text(f"{before}{after}{end}{newline}    {line}\n{rest}", encoding="utf-8")

    def run(self, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", program, *arguments]
        environment = os.environ | {"PYTHONPATH": str(self.folder)}
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=600)


def block(beginning: str) -> list[str]:
    """The lines of the page's indented block that begins so."""
    found = re.search(rf"^    {re.escape(beginning)}.*\n(?:(?:    .*)?\n)*", PAGE, re.MULTILINE)
    assert found, beginning
    return [line.removeprefix("    ") for line in found[0].rstrip().splitlines()]


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path / "copy")


def test_an_architecture_is_a_file_and_a_line(copy: Copy, small: Path, store: str, request: pytest.FixtureRequest) -> None:
    """It then keeps the contract of all architectures, trained on TensorFlow and scored on every backend."""
    arguments = [f"--prepared={small}", "--architecture=bag-of-words", "--epochs=1", *SMALL]
    refused = copy.run("entry_points.train", *arguments)
    assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1), refused.stderr
    copy.add("sentiment/trainer/architectures/bag_of_words.py", '"""A dense layer over each word')
    copy.insert("sentiment/settings/architectures.py", '"cnn-lstm": ', '"bag-of-words": ')
    assert copy.run("docs.generate").returncode == 0
    assert "`cnn-lstm`, `bag-of-words`" in (copy.folder / "docs" / "parameters.md").read_text(encoding="utf-8")
    trained = copy.run("entry_points.train", *arguments)
    assert trained.returncode == 0, trained.stderr
    (run,) = runs(store)["train"]
    assert run.data.params["architecture"] == "bag-of-words"
    cache = f"cache_dir={request.config.cache.mkdir('extending')}"
    contract = copy.run("pytest", "-q", "-o", cache, "tests/test_contract.py", "-k", "bag-of-words and tensorflow")
    assert contract.returncode == 0, contract.stdout
    assert re.search(r"^10 passed", contract.stdout, re.MULTILINE), contract.stdout


def test_a_backend_is_a_recipe_and_a_line(copy: Copy, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All but the packages of the recipe, which come from the network."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    train = ["entry_points.train", f"--prepared={small}", "--backend=openvino", *SMALL]
    install = ["sentiment.backends", "openvino"]
    assert "Received: backend=openvino" in copy.run(*train).stderr
    copy.insert("sentiment/settings/backends.py", 'KerasBackend("torch"', 'KerasBackend("openvino"')
    assert copy.run("docs.generate").returncode == 0
    assert "`torch`, `openvino`" in (copy.folder / "docs" / "parameters.md").read_text(encoding="utf-8")
    for program, says in ((train, "make install BACKEND=openvino"), (install, "environments/openvino/requirements.txt")):
        refused = copy.run(*program)
        assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1), refused.stderr
        assert says in refused.stderr
    copy.add("environments/openvino/requirements.txt", "-c ../../constraints.txt", without=r"\w.*")
    built, again = (copy.run(*install) for _ in range(2))
    assert (built.returncode, again.returncode) == (0, 0), built.stderr
    assert "Building the environment of openvino" in built.stdout
    assert again.stdout == built.stdout.splitlines(keepends=True)[-1]
    python = Path(again.stdout.removeprefix("openvino: ").strip())
    assert python.is_relative_to(tmp_path / "cache")
    assert subprocess.run([python, "-c", ""], check=False).returncode == 0
