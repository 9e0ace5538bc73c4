"""How the libraries behave in this project's programs: what they print, how long MLflow waits, where it begins runs."""

import logging
import os
import warnings

EXPERIMENT = "sentiment"  # where runs are begun if the user names no experiment
# Where the user says nothing else: a request that fails is over within three quarters of a minute, not four minutes.
TIMEOUTS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",
}
NO_OUTPUT = {
    "GIT_PYTHON_REFRESH": "quiet",  # of a machine without git
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
LOG_LEVELS = {
    "alembic": logging.WARNING,
    "py4j.clientserver": logging.WARNING,
    "mlflow.tracking.fluent": logging.WARNING,
    "mlflow.models.evaluation.validation": logging.WARNING,
    "mlflow.models.evaluation": logging.ERROR,
    "mlflow.tracking._model_registry.fluent": logging.ERROR,
    "mlflow.pyfunc": logging.ERROR,
    "urllib3.connectionpool": logging.ERROR,
    "mlflow.store.db.utils": logging.CRITICAL,  # it logs with a traceback what it raises, too
}


def configure_libraries() -> None:
    """Sets what the environment does not say otherwise. To be called where a program starts, before anything imports matplotlib."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # at its import it warns if its cache can't be written
    import mlflow  # noqa: F401 (at its import it sets the levels of its loggers)

    for name, value in (TIMEOUTS | NO_OUTPUT).items():
        os.environ.setdefault(name, value)
    if not any(os.environ.get(f"MLFLOW_{name}") for name in ("EXPERIMENT_ID", "EXPERIMENT_NAME", "RUN_ID")):
        os.environ["MLFLOW_EXPERIMENT_NAME"] = EXPERIMENT
    for name, level in LOG_LEVELS.items():
        logging.getLogger(name).setLevel(level)
    warnings.filterwarnings("ignore", module="mlflow")
