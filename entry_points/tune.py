"""`mlflow run . -e tune`: see docs/parameters.md."""

from sentiment.command_line import run
from sentiment.settings import TuneSettings
from sentiment.steps import tune

if __name__ == "__main__":
    run(TuneSettings, tune.run)
