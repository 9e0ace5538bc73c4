"""How a run ends that no step can end."""

import logging
import time

from mlflow import MlflowClient

from sentiment.tracking.redaction import redact

REASON_LENGTH = 500
log = logging.getLogger(__name__)


def fail_run(run_id: str, reason: str) -> None:
    """Ends a run as FAILED; if the server does not take it, says so."""
    try:
        MlflowClient().set_tag(run_id, "failure", redact(reason)[:REASON_LENGTH])
        MlflowClient().set_terminated(run_id, "FAILED", int(time.time() * 1000))
    except Exception as error:
        log.warning("Run %s could not be marked as failed: %s", run_id, redact(str(error)))
