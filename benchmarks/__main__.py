"""`python -m benchmarks [name ...]`: measures, prints one table of ratios and brings `docs/benchmarks.md` up to date.

Without names it runs all that `make bench` runs. Those that read IMDB take `IMDB=path/to/aclImdb_v1.tar.gz`, or download it. The page
keeps the rows of what was not run, if they are of the same machine and versions.
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
    "accuracy": lambda: accuracy.rows(IMDB),
}
LONG: dict[str, Callable[[], list[Row]]] = {  # only by name
    "unlabelled": lambda: unlabelled.rows(IMDB),
    "searching": lambda: searching.rows(IMDB),
}
PAGE = PROJECT / "docs" / "benchmarks.md"


def main(names: list[str]) -> None:
    known = ALL | LONG
    unknown = set(names) - set(known)
    if unknown:
        sys.exit(f"Unknown benchmark. Received: {', '.join(unknown)}. Use some of: {', '.join(known)}.")
    page = PAGE.read_text() if PAGE.exists() else ""
    for name in names or ALL:
        print(f"{name} …", flush=True)
        page = report.page(known[name](), page)
        PAGE.write_text(page)  # part by part: one that fails loses none before it
    print(page)


if __name__ == "__main__":
    main(sys.argv[1:])
