"""`python -m sentiment.tracking.ui`: MLflow's pages, and the address in them at which the runs stand side by side."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from sentiment.errors import UserError
from sentiment.libraries import configure_libraries

FOR_ONE_PERSON = ("--workers", "1", "--uvicorn-opts", "--no-access-log")  # a line for each request would push the address off the screen


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
        print(f"open: {commands.curves_page(tracking.experiment_id(), port)}  # the runs, side by side", flush=True)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    address = mlflow.get_tracking_uri()
    if not address.startswith("http"):
        program = Path(sys.executable).parent / "mlflow"
        os.environ.setdefault("PYTHONWARNINGS", "ignore")
        os.execv(program, [str(program), "ui", "--port", port, "--backend-store-uri", address, *FOR_ONE_PERSON])
    return 0


if __name__ == "__main__":
    sys.exit(main())
