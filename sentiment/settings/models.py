"""The parameters of what is done with a trained model, and of what steps log beside them."""

import re
from dataclasses import dataclass

from sentiment.errors import UserError
from sentiment.settings.declaration import REQUIRED, parameter
from sentiment.settings.reviews import TableSettings
from sentiment.settings.training import GOLDEN, METRICS

NONE = "none"
CHAMPION = "models:/sentiment@champion"


@dataclass(frozen=True)
class ParitySettings:
    """Parameters of `parity`."""

    run: str = parameter("latest", "the training run whose model is scored: latest, or a run id")
    backends: str = parameter("all", "all (that are installed), or names with commas between")
    reviews: str = parameter("data/reviews.txt", "the reviews to score, in any form that prepare takes")


@dataclass(frozen=True)
class CompareSettings:
    """Parameters of `compare`."""

    runs: str = parameter(
        "newest", "ids of train, import, main or tune runs with commas between; newest: of each backend, on the newest data"
    )
    backends: str = parameter(
        "none",
        "backends to train on first, with train's defaults on the newest data: all (that are installed), or names with commas between",
    )


@dataclass(frozen=True)
class ScoreSettings(TableSettings):
    """Parameters of `score`."""

    input: str = parameter(NONE, "a table of texts, or a folder of tables")
    text: str = parameter(NONE, "one text in place of input: its label, score and the words that carried it, on the terminal")
    output: str = parameter("auto", "where the rows with their scores go (auto: beside the input, NAME.scored.ENDING)")
    model: str = parameter(CHAMPION, "a registered model, the id of a train or import run, or a path to a model.h5")
    engine: str = parameter("local", "what scores: this process, or Apache Spark", choices=("local", "spark"))
    spark_master: str = parameter("local[*]", "the Spark cluster, such as spark://host:7077; local[*] is this machine")


@dataclass(frozen=True)
class MonitorSettings(TableSettings):
    """Parameters of `monitor`."""

    input: str = parameter(REQUIRED, "a table of texts, or a folder of tables: what score wrote, or others, whose texts are then scored")
    model: str = parameter(CHAMPION, "a registered model, the id of a train run, or a path to a model.h5")
    limit: float = parameter(0.2, "the population stability index that no measure may exceed, unless chance explains it", minimum=0)
    score_column: str = parameter(
        "auto", "the column that holds the model's scores (auto: score, where score wrote it; none: score the texts)"
    )
    label_column: str = parameter(
        "auto", "the column that holds the true labels, empty where there is none (auto: by its name; none: no labels)"
    )
    positive: str = parameter(
        "auto", "the labels that count as positive, with commas between, such as 4,5; one with a comma in double quotes"
    )
    negative: str = parameter("auto", "the labels that count as negative, such as 1,2; other ones do not count")


def _check_name(text: str) -> None:
    """MLflow takes more, but neither in a query nor in the address of a model."""
    if not re.fullmatch(r"[\w-][\w .-]{0,200}", text):
        raise UserError(f"It can't be the name of a model. Received: name={text}. Use letters, digits, blanks, dots, - and _.")


def _check_alias(text: str) -> None:
    if not re.fullmatch(r"[\w-]{1,200}", text) or re.fullmatch(r"(?i)latest|v\d+", text):
        raise UserError(f"It can't be an alias. Received: alias={text}. Use letters, digits, - and _, but not latest, nor v and a number.")


@dataclass(frozen=True)
class RegisterSettings:
    """Parameters of `register`."""

    run: str = parameter("best", "best: of the newest data; previous: back to the champion before; the id of a run; or a model file")
    metric: str = parameter("val_auc", "what best is measured by: the model's, on the validation split", choices=METRICS)
    name: str = parameter("sentiment", "the registered model", check=_check_name)
    alias: str = parameter("champion", "the alias that the candidate takes if the gate opens", check=_check_alias)
    golden: str = parameter("none", GOLDEN)
    force: bool = parameter(False, "take the alias even if the gate does not open")
    vocabulary: str = parameter("none", "the word index of a model of Keras 1 or 2: JSON, each word with its rank")
    max_length: int = parameter(
        400, "tokens that a model of Keras 1 or 2 reads, if its file does not fix that", minimum=2, exclusive_maximum=10_001
    )


@dataclass(frozen=True)
class SendSettings:
    """Parameters of `send`."""

    folder: str = parameter(REQUIRED, "a folder of runs that the tracking server did not take, as a command named it at its end")


@dataclass(frozen=True)
class ImportSettings:
    """What register logs of a model file, beside the settings in the file."""

    file: str
    vocabulary: str


@dataclass(frozen=True)
class EvaluateSettings:
    """What main's evaluation logs: which model on which data."""

    prepared: str
    run: str
