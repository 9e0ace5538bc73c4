"""`mlflow run .`: see docs/parameters.md."""

from sentiment.command_line import run
from sentiment.settings import MainSettings
from sentiment.steps import main

if __name__ == "__main__":
    run(MainSettings, main.run)
