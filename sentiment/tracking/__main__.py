"""`python -m sentiment.tracking`: whether the tracking server can be used; a new SQLite file gets MLflow's tables.

Before `mlflow run`, whose launcher would make them without a lock, so that of two at once one failed.
"""

import sys

from sentiment import tracking
from sentiment.errors import UserError

if __name__ == "__main__":
    try:
        tracking.check_server()
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
