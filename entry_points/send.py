"""`mlflow run . -e send`: see docs/parameters.md."""

from sentiment.command_line import run

if __name__ == "__main__":
    run("send")
