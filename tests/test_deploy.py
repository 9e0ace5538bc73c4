"""The files under deploy/: they are read, and the commands in them are run, without the containers."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
import yaml
from mlflow import MlflowClient
from mlflow.entities import Run
from packaging.requirements import Requirement

from sentiment import command_line, settings
from sentiment.paths import PROJECT
from sentiment.serving import following, served_model

from .processes import running
from .test_following import ask

DEPLOY = PROJECT / "deploy"
FILE = PROJECT / "tests" / "fixtures" / "default-bilstm.h5"
PROGRAMS = Path(sys.executable).parent


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / name).read_text("utf-8")))


def container(document: dict[str, Any]) -> dict[str, Any]:
    (found,) = document["spec"]["template"]["spec"]["containers"]
    return dict(found)


def instructions(name: str) -> Iterator[tuple[str, str]]:
    """Those of a Dockerfile: (FROM, image), (COPY, …)."""
    for line in (DEPLOY / name).read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            word, _, rest = line.partition(" ")
            yield word, rest


def documented(program: str) -> list[list[str]]:
    """The commands of a program in docs/serving.md."""
    lines = (PROJECT / "docs" / "serving.md").read_text("utf-8").splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.startswith(f"    {program} ")]


def parsed(command: list[str]) -> settings.MainSettings:
    """That an entry point takes a command's parameters."""
    assert command[:3] == ["python", "-m", "entry_points.main"]
    return command_line.parse(settings.MainSettings, command[3:], "main")  # type: ignore[no-any-return]


@pytest.mark.slow
def test_the_server_of_the_image(tmp_path: Path, store: str) -> None:
    """The documented download, then the image's command where the model then is, asked as the cluster asks."""
    experiment = mlflow.create_experiment("deploy", artifact_location=str(tmp_path / "artifacts"))
    with mlflow.start_run(experiment_id=experiment):
        info = served_model.log(Path(shutil.copyfile(FILE, tmp_path / "model.h5")), "data/reviews.txt")
    mlflow.register_model(info.model_uri, "sentiment")
    MlflowClient().set_registered_model_alias("sentiment", "champion", "1")
    (download,) = [command for command in documented("mlflow") if command[1] == "artifacts"]
    (tmp_path / "deploy").mkdir()
    subprocess.run([str(PROGRAMS / download[0]), *download[1:]], cwd=tmp_path, check=True, capture_output=True)
    steps = dict(instructions("Dockerfile"))
    for _, copied in filter(lambda step: step[0] == "COPY", instructions("Dockerfile")):
        assert (tmp_path / "deploy" / copied.split()[0]).exists()
    needs = {Requirement(line).name for line in (tmp_path / "deploy" / "model" / "requirements.txt").read_text().splitlines()}
    assert needs == set(served_model.NEEDS)
    program, *arguments = json.loads(steps["CMD"])
    at = arguments.index("--host")
    assert (program, arguments[at:]) == ("mlflow", ["--host", "0.0.0.0", "--port", "8080"])
    deployment, service = documents("kubernetes-serving.yaml")
    server = container(deployment)
    assert server["ports"][0]["containerPort"] == int(steps["EXPOSE"]) == 8080
    assert (
        deployment["spec"]["selector"]["matchLabels"] == deployment["spec"]["template"]["metadata"]["labels"] == service["spec"]["selector"]
    )
    environment = {each["name"]: each["value"] for each in server["env"]} | {"MLFLOW_TRACKING_URI": store, "PYTHONPATH": ""}
    assert {following.REFRESH, following.ALIAS} <= set(environment)
    (path,) = {server[probe]["httpGet"]["path"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert f":8080{path}'" in steps["HEALTHCHECK"]
    with running(tmp_path / "deploy", path, *arguments[:at], **environment) as url:
        assert 0 < ask(url) < 1
    assert "serve: a model trained on data/reviews.txt" in (tmp_path / "deploy" / "server.log").read_text()


@pytest.mark.slow
def test_the_training_of_the_cluster(tmp_path: Path, store: str) -> None:
    """Its command, with the reviews of the volume in a file of another name."""
    (job,) = documents("kubernetes-training.yaml")
    training = container(job)
    reviews = parsed(training["command"] + training["args"]).reviews
    quick = ["--architecture=ngrams", "--sample=100", "--ngrams=500", "--register=false"]
    command = [each.replace(reviews, str(PROJECT / "data" / "reviews.txt")) for each in training["command"] + training["args"]]
    environment = {each["name"]: each["value"] for each in training["env"]} | {"MLFLOW_TRACKING_URI": store}
    main = run_main([*command, *quick], environment, tmp_path)
    assert main.data.params["reviews"] != reviews
    assert parsed(training["command"] + training["args"]).threshold == "auto"
    assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"
    mounted = {mount["name"]: mount["mountPath"] for mount in training["volumeMounts"]}
    assert {volume["name"] for volume in job["spec"]["template"]["spec"]["volumes"]} == set(mounted)
    assert reviews.startswith(mounted["data"])
    steps = dict(instructions("Dockerfile.training"))
    assert parsed(json.loads(steps["CMD"])) == settings.MainSettings()
    for name in ("requirements.txt", "constraints.txt"):
        assert (PROJECT / name).exists()
        assert any(step == "COPY" and name in rest for step, rest in instructions("Dockerfile.training"))
    images = {command[command.index("-t") + 1] for command in documented("docker") if "-t" in command}
    assert images == {training["image"], container(documents("kubernetes-serving.yaml")[0])["image"]}
    files = [
        command[command.index("-f") + 1] for program in ("docker", "kubectl", "az") for command in documented(program) if "-f" in command
    ]
    assert len(files) == 4
    assert not [file for file in files if not (PROJECT / file).is_file()]


@pytest.mark.slow
def test_the_job_of_azure_runs(tmp_path: Path, store: str) -> None:
    """Its command, with its inputs put in as Azure does, in the folder that its `code` is."""
    (job,) = documents("azure-ml-job.yaml")
    assert job["type"] == "command"
    assert (DEPLOY / job["code"]).resolve() == PROJECT == (DEPLOY / job["environment"]["build"]["path"]).resolve()
    assert (PROJECT / job["environment"]["build"]["dockerfile_path"]).is_file()
    values = job["inputs"] | {"reviews": str(PROJECT / "data" / "reviews.txt"), "tracking": store}
    command = re.sub(r"\$\{\{inputs\.(\w+)\}\}", lambda match: str(values[match[1]]), job["command"])
    assert "${{" not in command
    quick = " --architecture=ngrams --sample=100 --ngrams=500 --register=false"
    azure = {"MLFLOW_RUN_ID": "of-its-workspace", "MLFLOW_EXPERIMENT_ID": "17", "MLFLOW_TRACKING_URI": "azureml://elsewhere"}
    main = run_main(["bash", "-c", command + quick], azure, tmp_path)
    assert main.data.params["threshold"] == "auto"
    assert 0 < main.data.metrics["threshold"] < 1


def run_main(command: list[str], environment: dict[str, str], folder: Path) -> Run:
    """The `main` run that a command has made."""
    environment = os.environ | {"PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"} | environment
    environment["MLFLOW_DEFAULT_ARTIFACT_ROOT"] = str(folder / "artifacts")
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    client = MlflowClient()
    (main,) = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()], "tags.step = 'main'")
    assert main.info.status == "FINISHED"
    return main


@pytest.mark.parametrize("name", sorted(file.name for file in DEPLOY.iterdir() if file.is_file()))
def test_every_file_is_spoken_of(name: str) -> None:
    assert f"(../deploy/{name})" in (PROJECT / "docs" / "serving.md").read_text("utf-8")
