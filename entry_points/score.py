"""`mlflow run . -e score`: see docs/parameters.md."""

from sentiment.command_line import run
from sentiment.settings import ScoreSettings
from sentiment.steps import score

if __name__ == "__main__":
    run(ScoreSettings, score.run)
