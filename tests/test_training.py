"""One training: which epoch is kept, what is measured of its parts, and what is written."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from sentiment.errors import UserError
from sentiment.evaluation import metrics
from sentiment.model import model_file
from sentiment.model.scorer import Scorer
from sentiment.preparation import prepared, preparing
from sentiment.preparation.prepared import Prepared
from sentiment.reviews import find_source
from sentiment.reviews.batch import VALIDATION
from sentiment.settings import PrepareSettings, TrainSettings
from sentiment.steps import train as train_step
from sentiment.text.vocabulary import UNKNOWN
from sentiment.trainer import batches
from sentiment.training import ensemble, ngram_regression, training
from sentiment.training.epochs import EarlyStopping
from sentiment.training.trainer_process import Trainer
from tests.trained import QUICK, SIZES, Trainers, train_network, train_small

pytestmark = pytest.mark.slow

AT_END = ("loss", "accuracy", "auc", "brier", "ece")


def measured(data: Prepared, logits: np.ndarray) -> dict[str, float]:
    """As a network's `val_...`."""
    measures = metrics.measure(data.labels[data.rows(VALIDATION)].astype(np.int64), expit(logits))
    return {"val_loss": measures["log_loss"], "val_accuracy": measures["accuracy"], "val_auc": measures["auc"]}


def test_the_least_loss_is_kept_and_patience_counts_from_it() -> None:
    stopping = EarlyStopping(2)
    verdicts = [stopping.judge(loss) for loss in (0.7, 0.6999, 0.8, 0.6998, 0.6998, 0.7)]
    assert [verdict.keep for verdict in verdicts] == [True, True, False, True, False, False]
    assert [verdict.stop for verdict in verdicts] == [False, False, False, False, False, True]


def test_the_model_has_the_epoch_of_the_least_validation_loss(trainer: Trainer, small: Path, data: Prepared, tmp_path: Path) -> None:
    """With a learning rate at which it soon gets worse; not the n-grams, which would hide it, are asked."""
    epochs: dict[int, dict[str, float]] = {}

    def after_epoch(epoch: int, metrics: dict[str, float]) -> bool:
        epochs[epoch] = metrics
        return False

    settings = TrainSettings(**QUICK | {"learning_rate": 0.05, "epochs": 20, "patience": 2})
    trained = training.train(trainer, settings, data, tmp_path / "model.h5", after_epoch)
    best = min(epochs, key=lambda epoch: epochs[epoch]["val_loss"])
    assert trained.summary["best_epoch"] == best
    assert len(epochs) == best + settings.patience < settings.epochs
    words = data.words.take(data.rows(VALIDATION))
    scorer = Scorer(tmp_path / "model.h5")
    logits = scorer.outputs(scorer.model.encoder.encode_numbers(words))["network_logit"]
    for name, value in measured(data, logits).items():
        assert value == pytest.approx(epochs[best][name], abs=1e-5)
        assert trained.summary[f"network_{name}"] == trained.network[name] == epochs[best][name]


def test_the_parts_and_the_model_are_measured(trainer: Trainer, small: Path, data: Prepared, tmp_path: Path) -> None:
    trained = train_small(trainer, small, tmp_path / "model.h5", architecture="cnn", epochs=2)
    summary = trained.summary
    names = {f"{part}_val_{what}" for part in ("network", "ngrams", "model") for what in AT_END}
    assert summary.keys() == names | {"network_weight", "ngrams_weight", "threshold", "best_epoch", "num_parameters", "reviews_per_step"}
    scorer = Scorer(tmp_path / "model.h5")
    network = scorer.outputs(scorer.model.encoder.encode_numbers(data.words.take(data.rows(VALIDATION))))["network_logit"]
    ngrams = ngram_regression.fit(data, SIZES["ngrams"], 1).val_logits
    logits, labels = np.column_stack([network, ngrams]), data.labels[data.rows(VALIDATION)].astype(np.int64)
    for part, each in (("network", network), ("ngrams", ngrams), ("model", ensemble.cross_fitted(logits, labels, 1))):
        for name, value in measured(data, each).items():
            assert summary[f"{part}_{name}"] == pytest.approx(value, abs=1e-5)
        assert summary[f"{part}_val_brier"] == pytest.approx(((expit(each) - labels) ** 2).mean(), abs=1e-5)
        assert summary[f"{part}_val_ece"] == pytest.approx(metrics.calibration_error(labels, expit(each)), abs=1e-4)
        assert trained.validation
        assert trained.validation.parts[part] == pytest.approx(expit(each), abs=1e-5)
    weights = ensemble.fit(logits, labels).weights
    assert [summary["network_weight"], summary["ngrams_weight"]] == pytest.approx(weights, abs=1e-4)
    assert trained.note.startswith(f"{weights[0]:.2f} of the network's logit and {weights[1]:.2f} of the n-grams'")
    assert "16 validation reviews, which are few" in trained.note
    trainable = [scorer.model.weights[layer] for layer in ("embedding", "mask", "convolution", "dense", "network_logit")]
    assert summary["num_parameters"] == sum(array.size for array in itertools.chain(*trainable))
    assert [path.name for path in tmp_path.glob("*.h5*")] == ["model.h5"]
    assert not list(tmp_path.glob("*unfinished*"))


def test_a_rare_label_counts_half_and_the_scores_say_its_share(trainer: Trainer, tmp_path: Path) -> None:
    path, model = tmp_path / "prepared.h5", tmp_path / "model.h5"
    rows = [f"a {'dull' if at % 10 == 0 else 'fine'} film number{at},{int(at % 10 > 0)}" for at in range(400)]
    path.with_suffix(".csv").write_text("\n".join(["text,label", *rows]))
    settings = PrepareSettings(reviews=str(path.with_suffix(".csv")), validation_fraction=0.25, test_fraction=0)
    prepared.write(preparing.prepare(find_source(settings), settings)[0], path)
    first: list[dict[str, float]] = []
    chosen = TrainSettings(architecture="cnn", ngrams=0, epochs=1, learning_rate=1e-6, dropout=0, weight_average=0)

    def after_epoch(epoch: int, metrics: dict[str, float]) -> bool:
        first.append(metrics)
        return False

    untrained = training.train(trainer, chosen, prepared.read(path), model, after_epoch)
    assert first[0]["train_loss"] == pytest.approx(np.log(2), abs=0.02)
    assert first[0]["val_loss"] == pytest.approx(np.log(2), abs=0.02)
    assert untrained.summary["network_val_loss"] == pytest.approx(-0.9 * np.log(0.9) - 0.1 * np.log(0.1), abs=0.02)
    trained = training.train(trainer, replace(chosen, epochs=6, learning_rate=0.005), prepared.read(path), model, after_epoch)
    assert trained.summary["network_val_auc"] == 1
    assert trained.validation
    assert trained.validation.scores.mean() == pytest.approx(0.9, abs=0.05)
    start = train_small(trainer, path, tmp_path / "more.h5", model, **(chosen.__dict__ | {"epochs": 1}))
    assert start.summary["network_val_loss"] == pytest.approx(trained.summary["network_val_loss"], abs=0.001)


def test_the_network_alone(trainer: Trainer, small: Path, tmp_path: Path) -> None:
    trained = train_small(trainer, small, tmp_path / "model.h5", architecture="cnn", epochs=2, ngrams=0)
    assert trained.note == "the network alone"
    assert not [name for name in trained.summary if name.startswith("ngrams_val")]
    assert (trained.summary["network_weight"], trained.summary["ngrams_weight"]) == (1, 0)
    for what in ("loss", "accuracy", "auc"):
        assert trained.summary[f"model_val_{what}"] == trained.summary[f"network_val_{what}"]
    model = model_file.read(tmp_path / "model.h5")
    assert "combined_logit" not in model.weights
    assert (len(model.encoder.ngrams), model.encoder.more_words) == (0, ())


def test_the_network_is_the_same_with_ngrams_beside_it(trainer: Trainer, small: Path, tmp_path: Path) -> None:
    for ngrams in (0, 500):
        train_small(trainer, small, tmp_path / f"{ngrams}.h5", architecture="cnn", epochs=3, ngrams=ngrams)
    alone, beside = (model_file.read(tmp_path / f"{ngrams}.h5").weights for ngrams in (0, 500))
    for layer, weights in alone.items():
        for a, b in zip(weights, beside[layer], strict=True):
            np.testing.assert_array_equal(a, b, err_msg=layer)


def test_the_ngrams_alone(trainer: Trainer, small: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    trained = train_small(trainer, small, path, architecture="ngrams")
    assert (trained.network, trained.note) == ({}, "the ngrams alone")
    names = {f"{part}_val_{what}" for part in ("ngrams", "model") for what in AT_END}
    assert trained.summary.keys() == names | {"network_weight", "ngrams_weight", "threshold"}
    assert trained.summary["model_val_loss"] == trained.summary["ngrams_val_loss"]
    assert "embedding" not in model_file.read(path).weights


def prepare_chinese(path: Path, praise: str, blame: str, reviews: int = 80) -> Prepared:
    """Reviews without a blank: an opinion between characters that say nothing, each review others."""
    random = np.random.default_rng(0)
    fill = ["".join(chr(code) for code in random.integers(0x4E00, 0x6E00, size=4)) for _ in range(2 * reviews)]
    lines = [f"{fill[2 * i]}{(blame, praise)[i % 2]}{fill[2 * i + 1]},{i % 2}" for i in range(reviews)]
    path.with_suffix(".csv").write_text("\n".join(["text,label", *lines]), "utf-8")
    settings = PrepareSettings(reviews=str(path.with_suffix(".csv")), validation_fraction=0.4)
    data, _ = preparing.prepare(find_source(settings), settings)
    prepared.write(data, path)
    return data


def test_a_language_without_blanks_is_learned(trainer: Trainer, tmp_path: Path) -> None:
    path, model = tmp_path / "prepared.h5", tmp_path / "model.h5"
    data = prepare_chinese(path, "我很喜欢这部电影", "我不想再看这部电影")
    trained = training.train(trainer, TrainSettings(architecture="ngrams"), data, model)
    assert trained.summary["ngrams_val_auc"] > 0.95
    assert trained.guessing == ()
    good, bad = Scorer(model).score(["朋友很喜欢", "朋友不想再看"])
    assert good > 0.5 > bad


def test_a_training_that_learned_nothing_says_so(trainer: Trainer, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "prepared.h5"
    prepare_chinese(path, "我看了这部电影", "我看了这部电影")
    with caplog.at_level("WARNING", "sentiment"):
        run = train_step.run(TrainSettings(prepared=str(path), backend="cntk", architecture="ngrams"))
    (said,) = [record.getMessage() for record in caplog.records if record.name == "sentiment.steps.train"]
    assert f"no better than guessing, by the AUC on 26 validation reviews: ngrams {run.summary['ngrams_val_auc']:.4f} (p = " in said


def test_a_training_that_is_given_up_writes_nothing(trainer: Trainer, small: Path, data: Prepared, tmp_path: Path) -> None:
    epochs: list[int] = []

    def after_epoch(epoch: int, metrics: dict[str, float]) -> bool:
        epochs.append(epoch)
        return epoch == 2

    trained = training.train(trainer, TrainSettings(**QUICK), data, tmp_path / "model.h5", after_epoch)
    assert epochs == [1, 2]
    assert trained.network.keys() == {"val_loss", "val_accuracy", "val_auc"}
    assert not trained.summary
    assert not list(tmp_path.glob("*model*"))


def test_ngrams_that_tie_leave_none(trainer: Trainer, tmp_path: Path) -> None:
    """Two that are in every review, where there is room for one."""
    rows = [f"{'fine' if at % 2 else 'dull'} film {at},{at % 2}" for at in range(60)]
    (tmp_path / "reviews.csv").write_text("\n".join(["text,label", *(f"a very {row}" for row in rows)]))
    settings, path = PrepareSettings(reviews=str(tmp_path / "reviews.csv")), tmp_path / "prepared.h5"
    prepared.write(preparing.prepare(find_source(settings), settings)[0], path)
    trained = train_small(trainer, path, tmp_path / "model.h5", architecture="cnn", epochs=1, ngrams=1)
    assert trained.note == "the network alone"
    assert "ngrams_logit" not in model_file.read(tmp_path / "model.h5").weights
    with pytest.raises(UserError, match="Give more ngrams"):
        train_small(trainer, path, tmp_path / "none.h5", architecture="ngrams", ngrams=1)


def test_dropped_words_are_unknown_ones() -> None:
    ids = np.tile(np.arange(1, 11, dtype=np.int32), 1000)
    reviews = batches.Reviews(
        batches.Sequences(ids, np.arange(0, len(ids) + 1, 10)), batches.Sequences(ids[:0], np.zeros(1001, int)), np.zeros(1000)
    )
    seen = batches.apply_word_dropout(reviews, 0.3, np.random.RandomState(0)).tokens
    assert seen.ids.dtype == np.int32
    np.testing.assert_array_equal(seen.offsets, reviews.tokens.offsets)
    words = ids > UNKNOWN
    dropped = seen.ids != ids
    assert (seen.ids[dropped] == UNKNOWN).all()
    assert not dropped[~words].any()
    assert dropped[words].mean() == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("backend", ["tensorflow", "cntk"])
def test_a_network_learns_nothing_of_words_that_are_dropped(trainers: Trainers, small: Path, tmp_path: Path, backend: str) -> None:
    for share in (0.0, 0.999999):
        for epochs in (0, 1):
            train_network(trainers(backend), small, tmp_path / f"{epochs}.h5", architecture="cnn", epochs=epochs, word_dropout=share)
        before, after = (model_file.read(tmp_path / f"{epochs}.h5").weights["embedding"][0] for epochs in (0, 1))
        assert (before[UNKNOWN] != after[UNKNOWN]).all()
        learned = np.flatnonzero(abs(after - before)[4:].max(axis=1) > 1e-6)  # the moving average rounds
        assert len(learned) == 0 if share else len(learned) > 100, learned
