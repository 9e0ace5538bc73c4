"""`mlflow run . -e parity`: see docs/parameters.md."""

from sentiment.command_line import run
from sentiment.settings import ParitySettings
from sentiment.steps import parity

if __name__ == "__main__":
    run(ParitySettings, parity.run)
