"""The commands and links of the README and the pages: each command is valid, and run by a test or not for a reason."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from sentiment.command_line import parse
from sentiment.paths import PROJECT
from sentiment.settings import ENTRY_POINTS

PAGES = sorted([PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *(PROJECT / "docs").glob("*.md")])
PROGRAMS = ("mlflow", "make", "python", "curl", "export", "conda", "source", "pip", "uv")
REQUIRED = {"score": ("--input",), "monitor": ("--input",), "send": ("--folder",)}  # which text about a command may leave out
LAUNCHER_OPTIONS = ("--env-manager", "--experiment-name")
# What each kind of command begins with: the test that runs it, or why none does.
RUN_BY = {
    "make run": "test_entry_points.py: test_the_whole_way_on_a_server_with_cntk",
    "make test": "not run: it is what runs this",
    "make test-quick": "not run: make test runs all of its tests",
    "make audit": "test_project_files.py: test_an_audit_that_can_not_be_made_says_so",
    "make screenshots": "test_mlflow_ui.py: test_the_page_of_curves_that_main_printed_has_those_of_both_runs_in_one_picture",
    "make lint": "not run: .ci/run runs it",
    "make docs": "test_project_files.py: test_what_follows_from_the_settings_is_not_stale",
    "make bench": "test_benchmarks.py: test_a_command_replaces_its_own_rows_only",
    "make lock": "not run: it asks the package index for newer versions",
    "make install": "test_environments.py: test_two_at_once_build_one",
    "make install-spark": "not run: make test has installed Spark",
    "uv pip install": "test_environments.py: test_the_package_is_installed_in_the_versions_of_the_lock",
    "make help": "test_documentation.py: test_help_lists_every_target",
    "make doctor": "test_documentation.py: test_the_doctor_says_what_is_there",
    "make serve": "test_serving.py: test_served_by_every_environment_manager",
    "make ui": "test_project_files.py: test_make_shows_the_runs",
    "mlflow artifacts download": "test_deploy.py: test_the_server_of_the_image",
    "mlflow models serve": "test_serving.py: test_the_served_model",
    "curl": "test_serving.py: test_the_served_model",
    "export": "test_entry_points.py: test_the_whole_way_on_a_server_with_cntk",
    "mlflow run . main": "test_mlflow_environments.py: test_the_environments_that_mlflow_makes",
    "mlflow run . prepare": "test_entry_points.py: test_the_steps_one_by_one_and_parity",
    "mlflow run . train": "test_entry_points.py: test_the_steps_one_by_one_and_parity",
    "mlflow run . tune": "test_tune.py: test_two_workers_and_a_crash",
    "mlflow run . register": "test_register.py: test_from_the_first_champion_to_a_roll_back",
    "mlflow run . score": "test_scoring.py: test_a_folder_through_the_entry_point",
    "mlflow run . parity": "test_entry_points.py: test_the_steps_one_by_one_and_parity",
    "mlflow run . compare": "test_compare.py: test_runs_that_there_are",
    "mlflow run . monitor": "test_monitor.py: test_other_texts_end_with_status_1",
    "mlflow run . send": "test_outages.py: test_a_run_that_was_not_sent_is_sent_later_and_once",
}


def commands(page: Path) -> list[str]:
    """The commands of a page's indented blocks and of its text, without comments."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = re.findall(rf"^    ((?:{'|'.join(PROGRAMS)}) .*)$", text, re.MULTILINE)
    inline = re.findall(r"`((?:mlflow run|make) [^`…]+)`", text)
    return [re.sub(r"\s+#.*", "", line).strip() for line in lines + inline]


DOCUMENTED = [pytest.param(command, id=f"{page.name}: {command}") for page in PAGES for command in commands(page)]


def launched(command: str) -> tuple[str, list[str]]:
    """The entry point of an `mlflow run .` command, and its parameters as its program takes them."""
    words = shlex.split(command)[3:]
    name, parameters = "main", []
    for option, value in zip(words[::2], words[1::2], strict=True):
        if option == "-e":
            name = value
        elif option == "-P":
            key, _, text = value.partition("=")
            parameters.append(f"--{key.replace('_', '-')}={text}")
        else:
            assert option in LAUNCHER_OPTIONS, command
    return name, parameters


def kind_of(command: str) -> str:
    if command.startswith("mlflow run . "):
        return f"mlflow run . {launched(command)[0]}"
    return max((kind for kind in RUN_BY if f"{command} ".startswith(f"{kind} ")), key=len, default=command)


@pytest.mark.parametrize("command", DOCUMENTED)
def test_a_command_is_valid_and_run_by_a_test_or_not_for_a_reason(command: str) -> None:
    if command.startswith("mlflow run . "):
        name, parameters = launched(command)
        missing = [option for option in REQUIRED.get(name, ()) if not any(parameter.startswith(option) for parameter in parameters)]
        parse(ENTRY_POINTS[name], [*parameters, *(f"{option}=x" for option in missing)], "")
    if command.startswith("make "):
        assert re.search(rf"^{command.split()[1]}:", (PROJECT / "Makefile").read_text(), re.MULTILINE), command
    runner = RUN_BY[kind_of(command)]
    if not runner.startswith("not run: "):
        file, _, test = runner.partition(": ")
        assert f"def {test}(" in (PROJECT / "tests" / file).read_text(), runner


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_readme_is_short() -> None:
    assert len((PROJECT / "README.md").read_text().splitlines()) < 150


def test_help_lists_every_target() -> None:
    listed = subprocess.run(["make", "--no-print-directory", "help"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    assert {line.split()[0] for line in listed.splitlines()} == targets


def test_the_doctor_says_what_is_there() -> None:
    done = subprocess.run([sys.executable, "-m", "sentiment.doctor"], cwd=PROJECT, capture_output=True, text=True, check=False, timeout=120)
    assert "tensorflow" in done.stdout
    assert done.returncode in (0, 1)
    assert not done.stderr
