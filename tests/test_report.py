"""The report and the page of a search: what they say, that texts are escaped, and how a real Chromium shows them."""

import re
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from sentiment.evaluation.examples import Attribution, Example
from sentiment.evaluation.scored import Scored
from sentiment.plots import search
from sentiment.report import marking, search_page
from sentiment.report.facts import results
from tests.pages import find_chromium, shown
from tests.processes import Launch

needs_chromium = pytest.mark.skipif(find_chromium() is None, reason="There is no Chromium on this machine: apt-get install chromium.")
WIDTHS = (400, 800, 1300)
ATTACK = "<script>alert(1)</script>"


def marked(text: str, *words: Attribution) -> list[tuple[str, float]]:
    pieces = marking.segments(Example(text, 1, 0.9, 3, list(words), 1))
    assert "".join(piece.text for piece in pieces) == text
    return [(piece.text, piece.weight) for piece in pieces if piece.weight is not None]


def test_words_are_marked_where_they_carried_the_score() -> None:
    text = "It's not good. Is it good? NO: it isn’t, it’s “good”!"
    assert marked(text, Attribution("good", 1, 0.4), Attribution("it", 0, -0.1)) == [("it", -0.1), ("good", 0.4)]
    assert marked(text, Attribution("isn't", 0, -0.2), Attribution("!", 0, 0.3), Attribution("no", 0, 0.0)) == [("isn’t", -0.2)]
    assert marked("很好的电影, 很好", Attribution("好", 1, 0.5)) == [("好", 0.5)]
    assert marked("a (b [c", Attribution("(b", 0, 0.5)) == [("(b", 0.5)]  # no pattern, whatever it has in it
    (piece,) = (each for each in marking.segments(Example("so so", 0, 0.1, 2, [Attribution("so", 1, -0.2)], 0)) if each.weight)
    assert piece.strength == 1


def trials(values: list[float], mixed: bool = False) -> list[FrozenTrial]:
    """One of each value; every fourth is pruned, where there are over four."""
    made = []
    for number, value in enumerate(values):
        distributions = {"dropout": FloatDistribution(0.1, 0.6), "units": IntDistribution(8, 128, log=True)}
        params: dict[str, float | str] = {"dropout": 0.1 + 0.02 * number, "units": 8 + 5 * number}
        if mixed:
            distributions["kind"], params["kind"] = CategoricalDistribution(("a", "b")), "ab"[number % 2]
            if number % 2:
                del params["units"], distributions["units"]
        is_pruned = number % 4 == 3 and len(values) > 4
        trial = create_trial(
            state=TrialState.PRUNED if is_pruned else TrialState.COMPLETE,
            value=None if is_pruned else value,
            params=params,
            distributions=distributions,
            intermediate_values={1: 0.5, 2: value},
        )
        made.append(timed(trial, 10 + number))
    return made


def timed(trial: FrozenTrial, seconds: int) -> FrozenTrial:
    trial.datetime_start = datetime(2026, 1, 1)
    trial.datetime_complete = trial.datetime_start + timedelta(seconds=seconds)
    return trial


def trials_of_all(values: list[float]) -> list[FrozenTrial]:
    """With what `tune` suggests for two architectures on two backends."""
    names = {"embedding_size": 96, "lstm_size": 128, "filters": 240, "kernel_size": 5, "dense_size": 240, "batch_size": 96}
    sizes: dict[str, BaseDistribution] = {name: IntDistribution(1, high) for name, high in names.items()}
    shares: dict[str, BaseDistribution] = {"dropout": FloatDistribution(0, 0.6), "learning_rate": FloatDistribution(1e-4, 1e-2)}
    kinds: dict[str, BaseDistribution] = {
        "architecture": CategoricalDistribution(("bilstm", "cnn")),
        "backend": CategoricalDistribution(("tensorflow", "torch")),
    }
    made = []
    for number, value in enumerate(values):
        params: dict[str, float | str] = {name: max(high - number, 1) for name, high in names.items()}
        params |= {"dropout": 0.1234 + number / 100, "learning_rate": 0.0004567 + number / 1e4}
        params |= {"architecture": ("bilstm", "cnn")[number % 2], "backend": ("tensorflow", "torch")[number // 3]}
        trial = create_trial(value=value, params=params, distributions=sizes | shares | kinds)
        made.append(timed(trial, 1000 + number))
    return made


def study_of(made: list[FrozenTrial], name: str = "s") -> optuna.Study:
    study = optuna.create_study(study_name=name, direction="maximize")
    study.add_trials(made)
    return study


def test_a_search_is_drawn_with_its_pruned_trials() -> None:
    made = study_of(trials([0.6, 0.8, 0.7, 0.55, 0.9, 0.85])).trials
    (axes,) = search.history(made, "val_auc").axes
    complete, pruned, best = axes.lines
    assert np.asarray(complete.get_xydata()).tolist() == [[0, 0.6], [1, 0.8], [2, 0.7], [4, 0.9], [5, 0.85]]
    assert np.asarray(pruned.get_xydata()).tolist() == [[3, 0.55]]
    assert np.asarray(best.get_ydata()).tolist() == [0.6, 0.8, 0.8, 0.9, 0.9]
    best = search.history(made, "val_loss").axes[0].lines[2]
    assert np.asarray(best.get_ydata()).tolist() == [0.6] * 5
    (axes,) = search.effort(made, "val_auc").axes
    assert np.asarray(axes.lines[0].get_xdata()).tolist() == [10, 11, 12, 14, 15]
    (axes,) = search.parallel(made, "val_auc").axes
    assert np.asarray(axes.lines[-1].get_ydata())[-1] == 1  # the best is drawn last
    assert [label.get_text() for label in axes.get_xticklabels()] == ["dropout", "units", "val_\nauc"]


def test_whole_numbers_have_whole_ticks() -> None:
    distributions: dict[str, BaseDistribution] = {"kernel_size": IntDistribution(2, 5)}
    made = [create_trial(value=0.5 + size / 10, params={"kernel_size": size}, distributions=distributions) for size in (2, 3, 4)]
    (axes,) = search.slice_of(made, "kernel_size", "val_auc").axes
    assert not [tick for tick in axes.get_xticks() if tick % 1]


def test_what_cannot_be_said_of_a_search_is_not_drawn() -> None:
    assert "No trial is complete" in search_page.page(study_of([]), "val_auc")
    assert "Parallel coordinates" not in search_page.page(study_of(trials([0.8])), "val_auc")
    equal = search_page.page(study_of(trials([0.8] * 4)), "val_auc")
    assert "All complete trials came out the same" in equal
    assert ">Importance<" not in equal
    differing = search_page.page(study_of(trials([0.6, 0.8, 0.7, 0.9, 0.85, 0.75], mixed=True), ATTACK), "val_auc")
    assert ">Importance<" in differing
    assert "<script" not in differing
    assert "&lt;script&gt;" in differing


@needs_chromium
def test_the_page_of_a_search_fits_its_window(tmp_path: Path) -> None:
    file = tmp_path / "search.html"
    file.write_text(search_page.page(study_of(trials_of_all([0.6, 0.8, 0.7, 0.9, 0.85, 0.75])), "val_auc"))
    sizes, said = shown(file, WIDTHS, tmp_path)
    assert {width: size[:3] for width, size in sizes.items()} == {width: (0, 0, 14) for width in WIDTHS}
    assert sizes[800].cut == sizes[1300].cut == 0
    assert not said


def test_a_model_is_measured_at_its_threshold_and_its_parts_at_a_half() -> None:
    scores = np.array([0.1, 0.6, 0.7, 0.9])
    scored = Scored("test", np.array([0, 0, 1, 1]), np.full(4, 5), dict.fromkeys(("model", "network", "ngrams"), scores), threshold=0.65)
    assert [row["accuracy"][:5] for row in results(scored)] == ["0.750", "0.750", "1.000"]


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table whose reviews try to run a script."""
    words = {1: ["great", "loved", "best", "fine"], 0: ["dull", "awful", "worst", "bad"]}
    random = np.random.default_rng(0)
    rows = [f"{ATTACK} number {at} was {' '.join(random.choice(words[at % 2], 3))}, I said,{at % 2}" for at in range(120)]
    path = tmp_path_factory.mktemp("reviews") / "reviews & more.csv"
    path.write_text("\n".join(["text|label", *("|".join(row.rsplit(",", 1)) for row in rows)]))
    return path


@pytest.mark.slow
@needs_chromium
def test_the_report_of_a_real_run(call: Launch, reviews: Path, store: str, tmp_path: Path) -> None:
    sizes = ("--architecture=cnn", "--filters=8", "--dense-size=8", "--embedding-size=8", "--epochs=3")
    more = ("--register=false", "--threshold=auto")
    done = call("entry_points.main", f"--reviews={reviews}", "--test-fraction=0.4", *sizes, *more)
    assert done.returncode == 0, done.stderr
    (path,) = re.findall(r"^main: the report is (/.*report\.html)$", done.stdout, re.MULTILINE)
    text = Path(path).read_text()
    assert "was chosen on these validation reviews" in text
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "reviews &amp; more.csv" in text
    assert "<mark" in text
    assert not re.findall(r"(?:src|href)=\"(?!#|data:)[^\"]*\"|url\((?!#)|@import", text), "it asks for another file"
    accuracy = re.findall(r"Of (\d+) test reviews it calls (\d+) rightly: ([\d.]+)", text)
    assert [(int(count), round(100 * int(right) / int(count), 1) == float(share)) for count, right, share in accuracy] == [(48, True)]
    assert f"export MLFLOW_TRACKING_URI={store}" in text
    (train,) = re.findall(r"mlflow models serve -m runs:/(\w+)/model", text)
    assert f"(run {train})" in done.stdout
    found, said = shown(Path(path), WIDTHS, tmp_path)
    assert {width: each[:3] for width, each in found.items()} == {width: (0, 0, 8) for width in WIDTHS}
    assert found[800].cut == found[1300].cut == 0
    assert not said
