"""Commands as users type them, and the runs that they leave."""

from mlflow import MlflowClient
from mlflow.entities import Run

QUICK = ["epochs=2", "lstm_size=8", "embedding_size=8"]


def project(*parameters: str) -> list[str]:
    """Arguments of `mlflow run`, in this environment."""
    return ["run", ".", "--env-manager", "local", *[word for parameter in parameters for word in ("-P", parameter)]]


def options(*parameters: str) -> list[str]:
    return [f"--{parameter.replace('_', '-', parameter.split('=')[0].count('_'))}" for parameter in parameters]


def runs(uri: str) -> dict[str, list[Run]]:
    """All runs of a store by their step."""
    found: dict[str, list[Run]] = {}
    for run in all_runs(uri):
        found.setdefault(run.data.tags.get("step", "none"), []).append(run)
    return found


def all_runs(uri: str, query: str = "") -> list[Run]:
    """The runs of all experiments, the newest first."""
    client = MlflowClient(uri)
    return list(client.search_runs([each.experiment_id for each in client.search_experiments()], query))


def names(uri: str, run: Run) -> set[str]:
    return {item.path for item in MlflowClient(uri).list_artifacts(run.info.run_id)}
