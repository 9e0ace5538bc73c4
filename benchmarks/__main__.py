"""`python -m benchmarks [name ...]`: measures, prints one table of ratios and writes `docs/benchmarks.md`.

Without names it runs all that `make bench` runs. Those that read IMDB take `IMDB=path/to/aclImdb_v1.tar.gz`, or download it.
"""

import os
import sys
from collections.abc import Callable

from benchmarks import accuracy, preparing, report, scoring, searching, serving, training, tuning, unlabelled
from benchmarks.report import Row
from sentiment.places import PROJECT

IMDB = os.environ.get("IMDB", "imdb")
ALL: dict[str, Callable[[], list[Row]]] = {
    "serving": serving.rows,
    "scoring": lambda: scoring.rows(IMDB),
    "preparing": lambda: preparing.rows(IMDB),
    "training": lambda: training.rows(IMDB),
    "tuning": tuning.rows,
}
LONG: dict[str, Callable[[], list[Row]]] = {  # only by name
    "accuracy": lambda: accuracy.rows(IMDB),
    "unlabelled": lambda: unlabelled.rows(IMDB),
    "searching": lambda: searching.rows(IMDB),
}
PAGE = PROJECT / "docs" / "benchmarks.md"


def main(names: list[str]) -> None:
    known = ALL | LONG
    unknown = set(names) - set(known)
    if unknown:
        sys.exit(f"Unknown benchmark. Received: {', '.join(unknown)}. Use some of: {', '.join(known)}.")
    rows: list[Row] = []
    for name in names or ALL:
        print(f"{name} …", flush=True)
        rows += known[name]()
    page = f"# Benchmarks\n\nRatios of two things measured in one run by `make bench`. {report.machine()}.\n\n{report.table(rows)}\n"
    print(page)
    if not names:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page)


if __name__ == "__main__":
    main(sys.argv[1:])
