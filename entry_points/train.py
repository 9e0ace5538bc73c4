"""`mlflow run . -e train`: see docs/parameters.md."""

from sentiment.command_line import run
from sentiment.settings import TrainSettings
from sentiment.steps import train

if __name__ == "__main__":
    run(TrainSettings, train.run)
