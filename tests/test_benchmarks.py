from collections.abc import Callable, Iterator

import pytest

from benchmarks.common import Paired, keep, paired
from benchmarks.data_sets import DataSet, available
from benchmarks.report import Accuracies, Row, page
from sentiment.paths import PROJECT
from sentiment.reviews import Batch, Source


def row(what: str, ratio: Paired | float, command: str) -> Row:
    return Row(what, "the other", ratio, "2 s, 1 s", f"python -m benchmarks {command}")


def accuracies(data: str, both: list[float]) -> Accuracies:
    ours = {"network": [0.8, 0.8], "both": both}
    return Accuracies(data, "bilstm", ours | {"TF-IDF": [0.75]}, 1.24, "1,234", f"{data}=FILE python -m benchmarks accuracy")


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if "`" in line]


def test_a_command_replaces_its_own_rows_only() -> None:
    before = page([row("serving", 1, "serving"), row("words", 2, "preparing")], "")
    after = page([row("bytes", 3.14159, "serving"), row("requests", 1, "serving")], before)
    assert lines(after) == [
        "| bytes | the other | **3.14** | 2 s, 1 s | `python -m benchmarks serving` |",
        "| requests | the other | **1.00** | 2 s, 1 s | `python -m benchmarks serving` |",
        "| words | the other | **2.00** | 2 s, 1 s | `python -m benchmarks preparing` |",
    ]


def test_rows_of_another_machine_go() -> None:
    before = page([row("serving", 1, "serving"), accuracies("MPQA", [0.9])], "").replace("cores of", "cores of an older")
    assert lines(page([], before)) == []


def test_accuracies_are_a_table_of_their_own_kept_by_data_set() -> None:
    before = page([row("serving", 1, "serving"), accuracies("IMDB", [0.9, 0.92]), accuracies("MPQA", [0.7])], "")
    after = page([accuracies("IMDB", [0.91, 0.93])], before)
    ratios, _, table = after.partition("\n## Accuracy on the test split\n")
    assert lines(ratios) == ["| serving | the other | **1.00** | 2 s, 1 s | `python -m benchmarks serving` |"]
    rest = "75.00 % | – | – | – | 1.2 | 1,234"
    assert lines(table) == [
        f"| IMDB | bilstm | 80.00 % | – | 92.00 % (91.00–93.00) | {rest} | `IMDB=FILE python -m benchmarks accuracy` |",
        f"| MPQA | bilstm | 80.00 % | – | 70.00 % | {rest} | `MPQA=FILE python -m benchmarks accuracy` |",
    ]
    assert page([], after) == after


def test_a_ratio_of_pairs_has_its_range() -> None:
    assert "| **0.50** (0.25–1.50) |" in page([row("serving", Paired(0.5, 0.25, 1.5, 2, 4), "serving")], "")


def test_pairs_are_measured_in_turn_and_their_ratios_compared() -> None:
    asked = []

    def measuring(name: str, figures: list[float]) -> Callable[[], float]:
        left = iter(figures)

        def measure() -> float:
            asked.append(name)
            return next(left)

        return measure

    found = paired(measuring("a", [2, 40, 9]), measuring("b", [1, 10, 3]), 3)  # the machine was slow, and fast for a while
    assert asked == ["a", "b"] * 3
    assert found == Paired(ratio=3, low=2, high=4, a=9, b=3)


def test_a_source_can_lack_reviews() -> None:
    def read(heard: Callable[[int], None]) -> Iterator[Batch]:
        yield Batch(["a", "b", "c"], [1, -1, 0], [0, 3, 2], ["x", "y", "z"])
        yield Batch([], [], [], [], group_names={"x": "film"})

    first, last = keep(Source(PROJECT, read), lambda label, split: label >= 0).read(lambda size: None)
    assert first == Batch(["a", "c"], [1, 0], [0, 2], ["x", "z"])
    assert last.group_names == {"x": "film"}


def test_a_data_set_without_a_file_is_left_out_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    here, none = DataSet("Here", "HERE", "reviews.tsv"), DataSet("Other", "OTHER", "")
    assert available(here, none) == [here]
    assert here.command("accuracy") == "HERE=FILE python -m benchmarks accuracy"
    assert capsys.readouterr().out == "Other is left out: OTHER names no file.\n"
