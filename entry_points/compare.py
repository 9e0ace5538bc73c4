"""`mlflow run . -e compare`: see README.md."""

from sentiment.command_line import run

if __name__ == "__main__":
    run("compare")
