"""`python -m benchmarks [name ...]`: measures, and brings the two tables of `docs/benchmarks.md` up to date.

Without names it runs all that `make bench` runs, which is all but `learning`, `fine_tuning` and `searching`. Data are in files that
environment variables name: `IMDB=path/to/aclImdb_v1.tar.gz`, which is downloaded if the variable is not set and left out if it is empty;
`MPQA=path.tsv` and `SUBJ=path.tsv`, tables with the columns `text`, `label` and `split`, left out if not set. The page keeps the rows
of what was not run, if they are of the same machine and versions.
"""

import sys
from collections.abc import Callable, Iterable, Sequence

from benchmarks import accuracy, fine_tuning, learning, load, preparing, report, scoring, searching, serving, slow_server, training, tuning
from benchmarks.data_sets import IMDB, MPQA, SUBJ, available
from benchmarks.report import Accuracies, Row
from sentiment.errors import UserError
from sentiment.paths import PROJECT
from sentiment.settings import PrepareSettings

Parts = Iterable[Sequence[Row | Accuracies]]  # each measured when it is asked for
ALL: dict[str, Callable[[], Parts]] = {
    "serving": lambda: map(serving.rows, [PrepareSettings()]),
    "load": lambda: map(load.rows, [PrepareSettings()]),
    "slow_server": lambda: [slow_server.rows()],
    "scoring": lambda: (scoring.rows(each.reviews) for each in available(IMDB)),
    "preparing": lambda: (preparing.rows(each.reviews) for each in available(IMDB)),
    "training": lambda: (training.rows(each.reviews) for each in available(IMDB)),
    "tuning": lambda: map(tuning.rows, [PrepareSettings()]),
    "accuracy": lambda: (accuracy.rows(each) for each in available(IMDB, MPQA, SUBJ)),
    "learning": lambda: (learning.rows(each.reviews) for each in available(IMDB)),
    "fine_tuning": lambda: (fine_tuning.rows(each.reviews) for each in available(IMDB)),
    "searching": lambda: (searching.rows(each) for each in available(IMDB, MPQA)),
}
BY_NAME_ONLY = ("learning", "fine_tuning", "searching")
PAGE = PROJECT / "docs" / "benchmarks.md"


def main(names: list[str]) -> None:
    unknown = set(names) - set(ALL)
    if unknown:
        sys.exit(f"Unknown benchmark. Received: {', '.join(unknown)}. Use some of: {', '.join(ALL)}.")
    for name in names or (name for name in ALL if name not in BY_NAME_ONLY):
        print(f"{name} …", flush=True)
        for rows in ALL[name]():
            PAGE.write_text(report.page(rows, PAGE.read_text() if PAGE.exists() else ""))  # at once: what fails later loses none of it
    print(PAGE.read_text())


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UserError as error:
        sys.exit(str(error))
