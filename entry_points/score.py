"""`mlflow run . -e score`: see docs/parameters.md."""

from sentiment.command_line import run

if __name__ == "__main__":
    run("score")
