"""`mlflow run . -e compare`: see README.md."""

from sentiment.command_line import run
from sentiment.settings import CompareSettings
from sentiment.steps import compare

if __name__ == "__main__":
    run(CompareSettings, compare.run)
