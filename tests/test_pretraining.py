"""What a network learns before labels: from which reviews, and found again by later runs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow import MlflowClient
from scipy.special import expit, logit

from sentiment import tracking
from sentiment.errors import UserError
from sentiment.model.scorer import Scorer
from sentiment.preparation import prepared
from sentiment.preparation.prepared import Prepared
from sentiment.ragged import cut, from_lists
from sentiment.reviews.batch import TRAIN, UNLABELLED, VALIDATION
from sentiment.settings import TrainSettings, TuneSettings
from sentiment.steps import pretrain
from sentiment.steps import train as train_step
from sentiment.training import defaults, ensemble, learned_vectors, ngram_regression, pieces, pretraining, teaching
from sentiment.training.word_vectors import WordVectors
from tests.trained import SIZES, Trainers, train_small

QUICK = SIZES | {"architecture": "cnn", "epochs": 1}


@pytest.fixture(scope="module")
def data(small: Path) -> Prepared:
    """Of the training reviews a third has no labels."""
    whole = prepared.read(small)
    labels, split, rows = whole.labels.copy(), whole.split.copy(), whole.rows(TRAIN)[::3]
    labels[rows], split[rows] = -1, UNLABELLED
    return replace(whole, labels=labels, split=split)


@pytest.fixture(scope="module")
def path(data: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("unlabelled") / "prepared.h5"
    prepared.write(data, path)
    return path


def children(parent: str) -> list[str]:
    client = MlflowClient()
    found = client.search_runs([client.get_run(parent).info.experiment_id], f"tags.`mlflow.parentRunId` = '{parent}'")
    return [run.info.run_id for run in found]


def test_vectors_are_learned_once(data: Prepared) -> None:
    settings = TrainSettings(**SIZES | {"pretrain": "vectors"})
    expected = learned_vectors.learn(data.words.take(data.rows(TRAIN, UNLABELLED)), len(data.encoder.vocabulary), 8, settings.seed)
    made = []
    all_changes: list[dict[str, Any]] = [{}, {}, {"embedding_size": 6}]
    for number, changes in enumerate(all_changes):
        with tracking.step_run("train", settings) as active:
            vectors, run_id = pretrain.run(replace(settings, **changes), data, active.info.run_id, None)
        assert isinstance(vectors, WordVectors)
        assert children(active.info.run_id) == ([] if number == 1 else [run_id])
        made.append((vectors, run_id))
    assert made[0][1] == made[1][1] != made[2][1]
    for vectors, _ in made[:2]:
        np.testing.assert_array_equal(vectors.ids, expected.ids)
        np.testing.assert_array_equal(vectors.vectors, expected.vectors)
    assert made[2][0].vectors.shape == (len(expected), 6)


def test_the_first_numbers_of_vectors_are_those_of_narrower_ones(data: Prepared) -> None:
    """But for the sign and the spread, and a little for the decomposition, which is a randomized one."""
    texts, words = data.words.take(data.rows(TRAIN, UNLABELLED)), len(data.encoder.vocabulary)
    first, narrow = learned_vectors.learn(texts, words, 16, 1).first(4), learned_vectors.learn(texts, words, 4, 1)
    np.testing.assert_array_equal(first.ids, narrow.ids)
    assert first.vectors.std() == pytest.approx(narrow.vectors.std(), rel=1e-4)
    for ours, theirs in zip(first.vectors.T[:2], narrow.vectors.T[:2], strict=True):
        assert abs(np.corrcoef(ours, theirs)[0, 1]) > 0.99


def test_where_there_are_words_enough_vectors_are_learned_and_long_reviews_taught(
    data: Prepared, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert defaults.pretrain(TrainSettings(), data) == "none"
    monkeypatch.setattr(defaults, "ENOUGH_WORDS", int(data.words.lengths[data.rows(TRAIN, UNLABELLED)].sum()))
    assert defaults.pretrain(TrainSettings(), data) == "vectors"
    others: list[dict[str, Any]] = [{"start_from": "x"}, {"word_vectors": "x"}, {"architecture": "ngrams"}, {"pretrain": "none"}]
    assert {defaults.pretrain(TrainSettings(**changes), data) for changes in others} == {"none"}
    run = train_step.run(TrainSettings(**QUICK | {"backend": "cntk", "prepared": str(path)}))
    monkeypatch.setattr(defaults, "LONG", 3)
    assert defaults.pretrain(TrainSettings(), data) == "teacher"
    assert {defaults.pretrain(each, data) for each in (TrainSettings(ngrams=0), TuneSettings())} == {"vectors"}
    assert {defaults.pretrain(TrainSettings(**changes), data) for changes in others} == {"none"}
    client = MlflowClient()
    assert client.get_run(run.run_id).data.params["pretrain"] == "vectors"
    assert client.get_run(run.run_id).data.tags["pretrain_run_id"] in children(run.run_id)


def test_the_recipe_follows_from_what_the_vectors_do(data: Prepared) -> None:
    """Not from labels, texts that measure, or what the network does with the vectors."""
    settings = TrainSettings(pretrain="vectors")
    recipe = pretrain.recipe(settings, data)
    measuring = data.words.ids.copy()
    begin, end = data.words.offsets[data.rows(VALIDATION)[0]], data.words.offsets[data.rows(VALIDATION)[0] + 1]
    measuring[begin:end] = 1
    other_texts = replace(data, words=replace(data.words, ids=measuring))
    assert pretrain.recipe(settings, other_texts) == recipe
    assert pretrain.recipe(settings, replace(data, labels=np.zeros_like(data.labels))) == recipe
    assert pretrain.recipe(replace(settings, lstm_size=7, backend="cntk", prepared="x"), data) == recipe
    changes: list[dict[str, Any]] = [{"seed": 2}, {"embedding_size": 7}, {"pretrain": "teacher"}]
    for change in changes:
        assert pretrain.recipe(replace(settings, **change), data) != recipe
    words = data.words.ids.copy()
    words[data.words.offsets[data.rows(UNLABELLED)[0]]] += 1
    assert pretrain.recipe(settings, replace(data, words=replace(data.words, ids=words))) != recipe


def test_the_recipe_of_a_teacher_follows_from_the_code_of_networks_and_ngrams() -> None:
    folder = Path(pretrain.__file__).parent.parent
    files = {file for pattern in pretrain.CODE["teacher"] for file in folder.glob(pattern)}
    assert {folder / "trainer/architectures/bilstm.py", folder / "trainer/jobs.py", folder / "text/ngrams.py"} <= files


def test_a_teacher_has_seen_the_labels_of_training_reviews_alone(data: Prepared) -> None:
    fitted = ngram_regression.fit(data, 500, 1)
    taught = teaching.pseudo_labelled(data, fitted.train_model)
    cut_off, validation = taught.words.take(taught.rows(TRAIN)), taught.rows(VALIDATION)
    np.testing.assert_array_equal(cut_off.ids, data.words.take(data.rows(TRAIN, UNLABELLED)).ids)
    assert cut_off.lengths.max() <= pieces.PIECE
    np.testing.assert_array_equal(taught.tokens.take(taught.rows(TRAIN)).lengths, cut_off.lengths + 1)
    np.testing.assert_array_equal(taught.words.take(validation).ids, data.words.take(data.rows(VALIDATION)).ids)
    np.testing.assert_array_equal(taught.tokens.take(validation).ids, data.tokens.take(data.rows(VALIDATION)).ids)
    np.testing.assert_array_equal(taught.labels[validation], data.labels[data.rows(VALIDATION)])
    logits = fitted.train_model.logits(fitted.train_model.ngrams.encode(cut_off))
    np.testing.assert_allclose(taught.labels[taught.rows(TRAIN)], expit(logits), atol=1e-6)
    assert (fitted.train_model.weights != fitted.model.weights).any()


def test_pieces_are_as_few_and_as_equal_as_they_can_be() -> None:
    rows = from_lists([[1, 2, 3, 4, 5, 6, 7], [], [8], [9, 10, 11]])
    made = cut(rows, 3)
    assert [made.row(at).tolist() for at in range(len(made))] == [[1, 2], [3, 4], [5, 6, 7], [8], [9, 10, 11]]
    assert not len(cut(from_lists([[], []]), 3))


@pytest.mark.parametrize("backend", ["tensorflow", "cntk"])
def test_what_a_teacher_taught_starts_the_network(trainers: Trainers, path: Path, data: Prepared, tmp_path: Path, backend: str) -> None:
    settings = TrainSettings(**QUICK | {"prepared": str(path), "pretrain": "teacher", "pretrain_epochs": 2, "backend": backend})
    run = train_step.run(settings)
    client = MlflowClient()
    taught = client.get_run(client.get_run(run.run_id).data.tags["pretrain_run_id"])
    assert children(run.run_id) == [taught.info.run_id]
    assert taught.data.metrics["reviews"] == len(data.rows(TRAIN, UNLABELLED)) <= taught.data.metrics["pieces"]
    assert [each.step for each in client.get_metric_history(taught.info.run_id, "val_loss")] == [1, 2]
    assert f"what the n-grams say of {taught.data.metrics['pieces']:.0f} pieces" in taught.data.tags[tracking.NOTE]
    before, after = client.get_metric_history(run.run_id, "val_auc")
    assert (before.step, after.step) == (0, 1)
    assert before.value == taught.data.metrics["network_val_auc"]
    for start, same in ((tracking.artifact(taught, "model.h5"), True), (None, False)):
        trained = train_small(trainers(backend), path, tmp_path / "model.h5", start, architecture="cnn", epochs=1)
        logits = [logit(each.validation.parts["network"]) for each in (trained, run.trained) if each.validation]
        assert (np.corrcoef(*logits)[0, 1] == pytest.approx(1, abs=1e-6)) == same, "equal but for the scale"


def test_what_a_teacher_taught_has_the_scale_of_whole_reviews(trainers: Trainers, data: Prepared, tmp_path: Path) -> None:
    """So that what their labels teach can be compared with it."""
    settings, labels = TrainSettings(**QUICK | {"pretrain_epochs": 3}), data.labels[data.rows(VALIDATION)].astype(int)
    vectors = pretraining.learn_vectors(data, settings)
    path, taught = tmp_path / "taught.h5", teaching.pseudo_labelled(data, ngram_regression.fit(data, 500, 1).train_model)
    summary = pretraining.teach(trainers("tensorflow"), data, taught, settings, vectors, path, lambda epoch, metrics: False).summary
    scorer = Scorer(path)
    logits = scorer.outputs(scorer.model.encoder.encode_numbers(data.words.take(data.rows(VALIDATION))))["network_logit"]
    assert summary["network_val_loss"] == pytest.approx(np.logaddexp(0, (1 - 2 * labels) * logits).mean(), abs=1e-5)
    best = ensemble.fit(logits[:, None].astype(float), labels)
    assert best.weights[0] == pytest.approx(1, abs=0.01)
    assert best.intercept == pytest.approx(0, abs=0.01)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no network": ({"architecture": "ngrams", "pretrain": "vectors"}, "There is no network to start"),
    "two starts": ({"pretrain": "vectors", "start_from": "x"}, "Received: start_from=x, pretrain=vectors"),
    "no ngrams": ({"pretrain": "teacher", "ngrams": 0}, "The n-grams teach, and there are none"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_can_not_start_a_network_is_said_before_a_run_begins(path: Path, name: str) -> None:
    changes, said = WRONG[name]
    with pytest.raises(UserError, match=said):
        train_step.run(TrainSettings(**QUICK | {"prepared": str(path)} | changes))
    assert not MlflowClient().search_runs(["0"])


def test_a_teacher_needs_no_reviews_without_labels(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step has as many words as one of whole reviews."""
    monkeypatch.setattr(pieces, "PIECE", 4)
    run = train_step.run(TrainSettings(**QUICK | {"backend": "cntk", "prepared": str(small), "pretrain": "teacher", "pretrain_epochs": 1}))
    client = MlflowClient()
    taught = client.get_run(client.get_run(run.run_id).data.tags["pretrain_run_id"])
    reviews, number = (int(taught.data.metrics[name]) for name in ("reviews", "pieces"))
    assert reviews == len(prepared.read(small).rows(TRAIN)) < number
    assert taught.data.metrics["reviews_per_step"] == QUICK["batch_size"] * number // reviews
