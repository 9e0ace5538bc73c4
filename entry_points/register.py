"""`mlflow run . -e register`: see docs/parameters.md."""

from sentiment.command_line import run
from sentiment.settings import RegisterSettings
from sentiment.steps import register

if __name__ == "__main__":
    run(RegisterSettings, register.run)
