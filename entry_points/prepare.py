"""`mlflow run . -e prepare`: see docs/parameters.md."""

from sentiment.command_line import run
from sentiment.settings import PrepareSettings
from sentiment.steps import prepare

if __name__ == "__main__":
    run(PrepareSettings, prepare.run)
