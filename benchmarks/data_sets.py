"""The reviews that benchmarks run on, in files that environment variables name."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class DataSet:
    """reviews: as `prepare` takes them; whole_test: reviews in the published test split, 0 where it is not fixed."""

    name: str
    variable: str
    reviews: str
    whole_test: int = 0

    def command(self, benchmark: str) -> str:
        """What measures a benchmark on this data set."""
        return f"{self.variable}=FILE python -m benchmarks {benchmark}"


ALL = (
    DataSet("IMDB", "IMDB", os.environ.get("IMDB", "imdb"), 25_000),
    DataSet("MPQA", "MPQA", os.environ.get("MPQA", "")),
    DataSet("Subj", "SUBJ", os.environ.get("SUBJ", "")),
)
IMDB, MPQA, SUBJ = ALL


def available(*wanted: DataSet) -> list[DataSet]:
    """Those whose file is named; says which are left out."""
    for data_set in wanted:
        if not data_set.reviews:
            print(f"{data_set.name} is left out: {data_set.variable} names no file.", flush=True)
    return [data_set for data_set in wanted if data_set.reviews]
