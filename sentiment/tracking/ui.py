"""`python -m sentiment.tracking.ui`: MLflow's pages, and the address in them at which the runs stand side by side."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from sentiment.errors import UserError
from sentiment.libraries import configure_libraries

FOR_ONE_PERSON = ("--workers", "1", "--uvicorn-opts", "--log-level warning")  # lines of its start and of requests would hide the address


def main(argv: Sequence[str] | None = None) -> int:
    """Becomes `mlflow ui` where the tracking server is a file or a database.

    Returns the exit status: 2, with one line, if the tracking server can't be used.
    """
    configure_libraries()
    import mlflow  # not before the libraries are configured

    from sentiment import tracking
    from sentiment.tracking import commands

    parser = argparse.ArgumentParser(description="The runs in MLflow's pages.")
    parser.add_argument("--port", default=commands.PORT, help="of the pages, where the tracking server is a file or a database")
    port = parser.parse_args(argv).port
    try:
        tracking.check_server()
        page = commands.curves_page(tracking.experiment_id(), commands.pages(port))
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    address = mlflow.get_tracking_uri()
    is_ours = not address.startswith("http")
    print(f"open: {page}  # the main runs, side by side{', in some seconds; Ctrl-C ends it' if is_ours else ''}", flush=True)
    if is_ours:
        program = Path(sys.executable).parent / "mlflow"
        os.environ.setdefault("PYTHONWARNINGS", "ignore")
        os.execv(program, [str(program), "ui", "--port", port, "--backend-store-uri", address, *FOR_ONE_PERSON])
    return 0


if __name__ == "__main__":
    sys.exit(main())
