"""`python -m sentiment.tracking`: whether the tracking server can be used; a new SQLite file gets MLflow's tables.

Before `mlflow run`, whose launcher would make them without a lock, so that of two at once one failed.
"""

import sys

from sentiment.errors import UserError
from sentiment.libraries import configure_libraries


def main() -> int:
    """Returns the exit status: 2, with one line, if the server can't be used."""
    configure_libraries()
    from sentiment import tracking  # not before the libraries are configured

    try:
        tracking.check_server()
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
