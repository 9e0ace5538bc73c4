"""Names of tags."""

PROJECT, NAME = "project", "mlflow-sentiment"  # the tag that tells this project's runs from others' on the same server
PROCESS = "process"  # who began a run
NOTE = "mlflow.note.content"  # a run's description, in Markdown
