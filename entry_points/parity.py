"""`mlflow run . -e parity`: see docs/parameters.md."""

from sentiment.command_line import run

if __name__ == "__main__":
    run("parity")
