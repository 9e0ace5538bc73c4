from benchmarks.report import Row, page


def row(what: str, ratio: float, command: str) -> Row:
    return Row(what, "the other", ratio, "2 s, 1 s", f"python -m benchmarks {command}")


def test_a_command_replaces_its_own_rows_only() -> None:
    before = page([row("serving", 1, "serving"), row("words", 2, "preparing")], "")
    after = page([row("words", 3.14159, "preparing")], before)
    assert [line for line in after.splitlines() if "`" in line] == [
        "| serving | the other | **1.00** | 2 s, 1 s | `python -m benchmarks serving` |",
        "| words | the other | **3.14** | 2 s, 1 s | `python -m benchmarks preparing` |",
    ]


def test_rows_of_another_machine_go() -> None:
    before = page([row("serving", 1, "serving")], "").replace("cores of", "cores of an older")
    assert "serving" not in page([row("words", 2, "preparing")], before)
