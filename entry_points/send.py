"""`mlflow run . -e send`: see docs/parameters.md."""

from sentiment.command_line import run
from sentiment.settings import SendSettings
from sentiment.steps import send

if __name__ == "__main__":
    run(SendSettings, send.run)
