"""The steps of the way from reviews to scores, each cut off at every stage: killed, told to end, with no space left.

What is left, and that the same command goes on. They train n-grams alone: a network that is cut off is in test_cut_off_trainings.py, a
study in test_tune.py.
"""

import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest
from mlflow import MlflowClient

from sentiment.model import model_file
from sentiment.paths import PROJECT
from sentiment.preparation import prepared

from . import stages
from .commands import all_runs
from .stages import Done, Fault

pytestmark = pytest.mark.slow

REVIEWS = f"--reviews={PROJECT / 'data' / 'reviews.txt'}"
PREPARE = (REVIEWS, "--sample=200", "--max-length=30")
TRAIN = ("--backend=cntk", "--architecture=ngrams", "--ngrams=500")  # its trainer starts in the shortest time
COMMANDS = {
    "prepare": (REVIEWS, "--sample=100", "--max-length=30"),
    "train": TRAIN,
    "register": ("--force=true",),
    "send": ("--folder=unsent",),
    "score": (f"--input={PROJECT / 'data' / 'reviews.txt'}", "--output=scored.txt"),
    "compare": (),
    "monitor": (f"--input={PROJECT / 'data' / 'reviews.txt'}", "--limit=1000"),
    "main": (*PREPARE, *TRAIN),
}
# Stages that are as good as their neighbours: files of a copied folder, and what is removed at the end.
ALIKE = ("/code/", "/model/", "/tmp*", "os.remove", "open tmp/", "models/m-*/artifacts/")

OWN = {
    "train": (
        *("sql INSERT INTO runs", "open unsent/*/*/records.jsonl", "sql INSERT INTO params", "open unsent/*/*/files/trainer.log"),
        *("os.link unsent/*/*/files/model.h5", "sql INSERT INTO logged_models", "sql UPDATE logged_models", "sql UPDATE runs"),
    ),
    "compare": (
        *(
            "open unsent/*/*/run.json",
            "sql INSERT INTO inputs",
            "open unsent/*/*/files/pairs.csv",
            "os.link unsent/*/*/files/comparison.html",
        ),
        *(
            "sql INSERT INTO metrics",
            "os.rename mlruns/0/*/artifacts/comparison.html",
            "sql UPDATE runs",
            "line compare: nothing is chosen on the test t",
        ),
    ),
    "monitor": (
        *("line monitor: reading reviews.txt: utf-", "open unsent/*/*/records.jsonl", "os.link unsent/*/*/files/drift.png"),
        *("sql INSERT INTO metrics", "os.rename mlruns/0/*/artifacts/drift.png", "line monitor: accuracy ", "sql UPDATE runs"),
    ),
    "main": (
        *(
            "open unsent/*/*/run.json",
            "line prepare: nothing to do, run ",
            "sql INSERT INTO logged_models",
            "line train: ngrams on cntk, the ngrams alone (run",
        ),
        *("line evaluate: test accuracy ", "sql INSERT INTO model_versions", "sql INSERT INTO registered_model_aliases", "line main: done"),
    ),
}
StagesOf = Callable[[str], list[str]]
PROGRAMS = [program for program in COMMANDS if program != "send"]
MLFLOWS = ("registered model 'sentiment'.", "of model 'sentiment'.", "Creating a new version of this model...")


class Folder:
    """Where a user works: with a prepare run and two train runs, which lie elsewhere, and runs, temporary files and outputs of its own."""

    def __init__(self, path: Path, base: Path, work: Path | None = None) -> None:
        """work: the working folder, if it is not the one that has the tracking server's database."""
        self.path, self.work = path, work or path
        path.mkdir(exist_ok=True)
        shutil.copy(base / "mlflow.db", path)
        with closing(sqlite3.connect(path / "mlflow.db")) as database, database:
            database.execute("UPDATE experiments SET artifact_location = ?", (f"{self.work}/mlruns/0",))
            self._models = [run for (run,) in database.execute("SELECT run_uuid FROM tags WHERE key = 'step' AND value = 'train'")]
        self.uri = f"sqlite:///{path / 'mlflow.db'}"
        self.temporary = self.work / "tmp"
        self.temporary.mkdir()

    def run(self, program: str, at: str = "", fault: Fault = stages.kill) -> Done:
        more = [f"--model={self._models[0]}"] if program in ("score", "monitor") else []
        more += [f"--runs={','.join(self._models)}"] if program == "compare" else []
        environment = {"MLFLOW_TRACKING_URI": self.uri, "TMPDIR": str(self.temporary), "MLFLOW_DISABLE_TELEMETRY": "true"}
        return stages.run(self.work, program, *COMMANDS[program], *more, environment=environment, at=at, fault=fault)

    def running(self) -> list[str]:
        return [run.data.tags.get("step", "") for run in all_runs(self.uri, "attributes.status = 'RUNNING'")]

    def temporary_files(self) -> list[Path]:
        return [path for path in self.temporary.rglob("*") if path.is_file() and path.name != ".ses"]  # ONNX Runtime's

    def unsent(self) -> list[Path]:
        return [path for path in (self.work / "unsent").rglob("*") if path.is_file()]

    def champions(self) -> list[str]:
        return [alias for model in MlflowClient(self.uri).search_registered_models() for alias in model.aliases]

    def assert_whole(self, program: str) -> None:
        """Nothing is half done, and the work of the command is there once; what a user was told to send, can be sent."""
        if self.unsent():
            done = self.run("send")
            assert done.status == 0, done
        assert self.running() == []
        assert self.temporary_files() == []
        assert self.unsent() == []
        client = MlflowClient(self.uri)
        for run in all_runs(self.uri, "attributes.status = 'FINISHED'"):
            for item in client.list_artifacts(run.info.run_id):
                path = Path(run.info.artifact_uri or "", item.path)
                if item.path == "prepared.h5":
                    prepared.read(path)
                elif item.path == "model.h5":
                    model_file.read(path)
                assert not item.path.startswith(".")
        versions = len(client.search_model_versions("name = 'sentiment'"))
        assert versions == (1 if program == "register" else versions if program == "main" else 0)
        if program == "score":
            assert {path.name for path in self.work.glob("scored*")} == {"scored.txt"}
            assert len((self.work / "scored.txt").read_text().splitlines()) == 433


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which two models were trained."""
    folder = tmp_path_factory.mktemp("base")
    (folder / "tmp").mkdir()
    environment = {"MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}", "TMPDIR": str(folder / "tmp")}
    for program, arguments in (("prepare", PREPARE), ("train", TRAIN), ("train", (*TRAIN, "--seed=2"))):
        done = stages.run(folder, program, *arguments, environment=environment)
        assert done.status == 0, done
    return folder


@pytest.fixture(scope="module")
def stages_of(base: Path, tmp_path_factory: pytest.TempPathFactory) -> StagesOf:
    """The stages of a command that differ; of those that take a trainer, or come to all the others too, those of its own."""

    @cache
    def find(program: str) -> list[str]:
        done = Folder(tmp_path_factory.mktemp("whole"), base).run(program)
        assert done.status == 0, done
        differ = [stage for stage in done.stages if not any(alike in stage for alike in ALIKE)]
        return [stage for stage in differ if program not in OWN or stage in OWN[program]]

    return find


def one_line(done: Done) -> str:
    assert "Traceback" not in done.output + done.errors, done
    lines = [line for line in done.errors.splitlines() if not line.endswith(MLFLOWS)]
    assert len(lines) == 1, done
    return lines[0]


@pytest.mark.parametrize("program", PROGRAMS)
def test_killed_at_each_stage(base: Path, stages_of: StagesOf, tmp_path: Path, program: str) -> None:
    """One after the other, so that each has to go on with what the one before left."""
    every = stages_of(program)
    folder = Folder(tmp_path / "folder", base)
    tried = every[:: 2 if len(every) > 12 else 1]
    killed = [stage for stage in tried if folder.run(program, stage).status == -9]
    assert len(killed) > len(tried) / 2, set(tried) - set(killed)
    done = folder.run(program)
    assert done.status == 0, done
    folder.assert_whole(program)


@pytest.mark.parametrize("program", PROGRAMS)
def test_told_to_end_at_some_stages(base: Path, stages_of: StagesOf, tmp_path: Path, program: str) -> None:
    every = stages_of(program)
    folder = Folder(tmp_path / "folder", base)
    for stage in every[6 :: 8 if len(every) > 12 else 3]:
        done = folder.run(program, stage, stages.end)
        if done.status:
            assert one_line(done) == "Told to end. What was logged so far is kept."
        assert (folder.running(), folder.temporary_files(), folder.unsent()) == ([], [], []), stage
    done = folder.run(program)
    assert done.status == 0, done
    folder.assert_whole(program)


@pytest.mark.parametrize("program", PROGRAMS)
def test_no_file_gets_a_byte_more(base: Path, stages_of: StagesOf, tmp_path: Path, program: str) -> None:
    """From a stage on: the tracking server's database gets none either, so that it learns of the end with the next command."""
    every = stages_of(program)
    folder = Folder(tmp_path / "folder", base)
    for stage in every[1 :: 3 if len(every) > 12 else 2]:
        done = folder.run(program, stage, stages.fill)
        if done.status:
            one_line(done)
        assert folder.temporary_files() == []
    done = folder.run(program)
    assert done.status == 0, done
    folder.assert_whole(program)


def test_only_the_end_of_a_run_can_not_be_sent(base: Path, tmp_path: Path) -> None:
    """After its last file: the server is tried again for a while, and then the run is left for later."""
    folder = Folder(tmp_path / "folder", base)
    done = folder.run("prepare", "os.rename mlruns/0/*/artifacts/prepared.h5", stages.fill)
    assert done.status == 1
    assert "Send it later" in one_line(done)
    folder.assert_whole("prepare")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of few megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(place)], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"No file system can be mounted here, so that the full disk is only that of the test before: {mounted.stderr}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_disk_is_full(base: Path, stages_of: StagesOf, tmp_path: Path, small_disk: Path, program: str) -> None:
    """That of the working folder, of temporary files, artifacts and outputs; the tracking server's is another."""
    every = stages_of(program)
    folder = Folder(tmp_path / "folder", base, small_disk)
    for stage in every[2 :: 4 if len(every) > 12 else 2]:
        done = folder.run(program, stage, stages.fill_folder)
        (small_disk / "filler").unlink(missing_ok=True)
        if done.status:
            one_line(done)
        assert (folder.running(), folder.temporary_files()) == ([], []), done
    done = folder.run(program)
    assert done.status == 0, done
    folder.assert_whole(program)


def test_a_disk_of_temporary_files_has_no_room_for_the_trained_network(base: Path, tmp_path: Path, small_disk: Path) -> None:
    folder = Folder(tmp_path / "folder", base)
    environment = {"MLFLOW_TRACKING_URI": folder.uri, "TMPDIR": str(small_disk)}
    sizes = ("--backend=jax", "--epochs=1", "--lstm-size=2", "--embedding-size=1000", "--ngrams=0")
    done = stages.run(folder.work, "train", *sizes, environment=environment)
    assert done.status == 1
    assert one_line(done).startswith(f"A disk is full, most likely that of {small_disk}")
    assert not [path for path in small_disk.rglob("*") if path.is_file() and path.name != ".ses"]
    (failed,) = all_runs(folder.uri, "attributes.status = 'FAILED'")
    assert "No space left" in failed.data.tags["failure"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_disk_that_can_only_be_read(base: Path, tmp_path: Path, small_disk: Path, program: str) -> None:
    """That of the working folder, of artifacts and outputs. A step that writes there ends with one line, and without a champion."""
    folder = Folder(tmp_path / "folder", base, small_disk)
    folder.temporary = tmp_path
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    done = folder.run(program)
    if program == "register":  # it writes to the tracking server's database alone
        assert done.status == 0, done
        assert folder.champions() == ["champion"]
        return
    assert done.status in (1, 2)
    one_line(done)
    assert folder.running() == []
    assert not [path for path in small_disk.rglob("*") if path.is_file()]
    assert folder.champions() == []


def test_a_tracking_database_that_can_only_be_read(base: Path, tmp_path: Path, small_disk: Path) -> None:
    folder = Folder(tmp_path / "folder", base)
    shutil.copyfile(folder.uri.removeprefix("sqlite:///"), small_disk / "mlflow.db")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    done = stages.run(folder.work, "prepare", *PREPARE, environment={"MLFLOW_TRACKING_URI": f"sqlite:///{small_disk / 'mlflow.db'}"})
    assert done.status == 2
    assert one_line(done).startswith("The tracking database can't be written. Received: ")
