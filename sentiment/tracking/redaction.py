"""What is said of a tracking server, without passwords and in one line."""

import os
import re
from urllib.parse import unquote

import mlflow

LONGEST = 200  # characters of what another program said


def redacted_uri() -> str:
    """The tracking server's address, without a password."""
    return redact(mlflow.get_tracking_uri())


def redact(text: str) -> str:
    """A text without the passwords that it may have of the server's address and login."""
    secrets = [os.environ.get(name, "") for name in ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")]
    login, at, _ = os.environ.get("MLFLOW_TRACKING_URI", "").partition("://")[2].rpartition("@")
    if at:
        password = login.partition(":")[2]
        secrets += [password, unquote(password)]
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    text = re.sub(r"://([^\s/:@]*):[^\s/]+@", r"://\1:***@", text)
    return re.sub(r"(?i)([?&](?:password|passwd|pwd|token)=)[^&\s]+", r"\1***", text)


def one_line(error: BaseException) -> str:
    """What it says in one line without a full stop, without the traceback and the statement that MLflow puts into its own."""
    text = re.sub(r"\(raised as a result of Query-invoked autoflush;[^)]*\)", "", redact(str(error)))  # SQLAlchemy's advice to programmers
    line = " ".join(re.split(r"\n *(?:\(Background|\[SQL|Traceback)", text)[0].split()).rstrip(".")
    return line if len(line) <= LONGEST else f"{line[:LONGEST].rsplit(' ', 1)[0]} …"
