"""`mlflow run . -e monitor`: see README.md."""

from sentiment.command_line import run
from sentiment.settings import MonitorSettings
from sentiment.steps import monitor

if __name__ == "__main__":
    run(MonitorSettings, monitor.run)
