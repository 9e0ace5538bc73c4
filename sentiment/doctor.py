"""`make doctor`: what this machine has and lacks, one line each."""

import os
import shutil
import sys
from importlib.metadata import version

from sentiment.backends import environments
from sentiment.backends.interpreters import ALL
from sentiment.errors import UserError
from sentiment.paths import cache_folder

LEAST_FREE = 5 * 2**30


def checks() -> list[tuple[bool, str]]:
    """(whether it is as it should be, what was found)."""
    free = shutil.disk_usage(cache_folder()).free
    found = [
        (sys.version_info[:2] == (3, 11), f"Python {sys.version.split()[0]} (wanted: 3.11)"),
        (free >= LEAST_FREE, f"{free / 2**30:.0f} GB free in {cache_folder()} (wanted: {LEAST_FREE / 2**30:.0f})"),
        (True, f"mlflow {version('mlflow')}, keras {version('keras')}, onnxruntime {version('onnxruntime')}, {os.cpu_count()} CPU cores"),
        (True, f"tracking: {os.environ.get('MLFLOW_TRACKING_URI', 'sqlite:///mlflow.db in the working folder')}"),
    ]
    for name, backend in ALL.items():
        if backend.is_ready():
            found.append((True, f"backend {name}: ready"))
        elif backend.own_python is None:
            found.append((True, f"backend {name}: not installed (make install BACKEND={name})"))
        else:
            try:
                python = environments.find_python(backend.own_python)
                found.append((True, f"backend {name}: built on first use, with {python}"))
            except UserError as error:
                found.append((False, f"backend {name}: {error}"))
    return found


if __name__ == "__main__":
    answers = checks()
    for fine, line in answers:
        print("ok   " if fine else "LACKS", line)
    sys.exit(not all(fine for fine, _ in answers))
