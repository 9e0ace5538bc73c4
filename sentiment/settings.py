"""Every parameter of every entry point: its name, type, default and range. `MLproject` repeats the defaults; a test keeps the two equal."""

import math
from dataclasses import dataclass, field, fields
from typing import Any

from sentiment.errors import UserError

BACKENDS = ("tensorflow", "cntk", "jax", "torch")
METRICS = ("val_auc", "val_accuracy", "val_loss")
NETWORKS = ("bilstm", "lstm", "cnn", "cnn-lstm")
NGRAMS_ALONE = "ngrams"
GOLDEN = "texts that the gate wants told apart: a table with texts and labels (none: built-in ones, as far as the model knows their words)"
ARCHITECTURES = (*NETWORKS, NGRAMS_ALONE)
CLEANING = 2  # the version of how `sentiment.text` cleans; files that name none are of version 1
# The sizes that each architecture has.
SIZES: dict[str, tuple[str, ...]] = {
    "bilstm": ("embedding_size", "lstm_size"),
    "lstm": ("embedding_size", "lstm_size"),
    "cnn": ("embedding_size", "filters", "kernel_size", "dense_size"),
    "cnn-lstm": ("embedding_size", "filters", "kernel_size", "lstm_size"),
    NGRAMS_ALONE: (),
}


def parameter(
    default: Any, about: str, *, least: float | None = None, below: float | None = None, choices: tuple[str, ...] | None = None
) -> Any:
    """A dataclass field with what the command line needs to know of it: `least` <= value < `below`, or one of `choices`."""
    return field(default=default, metadata={"about": about, "least": least, "below": below, "choices": choices})


@dataclass(frozen=True)
class TextSettings:
    """How a text becomes token ids; kept in `prepared.h5` and in `model.h5`."""

    vocabulary_size: int = parameter(30_000, "number of token ids at most, the four special ones included", least=5)
    max_length: int = parameter(400, "tokens kept of a review, start token included: its first and its last half", least=2)
    lowercase: bool = parameter(True, "lower-case the text")
    strip_punctuation: bool = parameter(False, "drop punctuation (false: each mark is a token)")
    remove_stop_words: bool = parameter(False, "drop English function words; negations stay")
    cleaning: int = CLEANING  # no parameter: a model cleans texts for ever as those that it was trained on


@dataclass(frozen=True)
class TableSettings:
    """How a table is read."""

    text_column: str = parameter("auto", "the column that holds the text")
    separator: str = parameter("auto", "the character between columns, or none: one column")
    encoding: str = parameter("auto", "the file's character encoding, as Python names it")
    escape: str = parameter("auto", "the character that makes the next one text: backslash (Spark, MySQL), none, or another one")
    header: bool = parameter(True, "the table begins with the names of its columns (false: they are called 1, 2, 3 ...)")
    max_row: int = parameter(10_000_000, "characters of a row, or bytes of a file in an archive, at most", least=1)
    max_size: int = parameter(0, "bytes that a packed file may unpack to (0: 100 times its size, but at least 500 million)", least=0)


@dataclass(frozen=True)
class PrepareSettings(TableSettings, TextSettings):
    """Parameters of `prepare`."""

    reviews: str = parameter("data/reviews.txt", "a table, a folder or tar.gz in aclImdb layout, or imdb (downloads it)")
    label_column: str = parameter("auto", "the column that holds the label: 0/1 or negative/positive")
    positive: str = parameter("auto", "the labels that count as positive, with commas between, such as 4,5")
    negative: str = parameter("auto", "the labels that count as negative, such as 1,2; reviews with other ones are left out")
    group_column: str = parameter("none", "the column that says what a review is about, such as a product: groups are held out whole")
    sample: int = parameter(0, "reviews to keep, drawn by label and split (0: all)", least=0)
    validation_fraction: float = parameter(0.1, "share of the training reviews that validates", least=0, below=1)
    test_fraction: float = parameter(0.2, "share that tests, where the file has no test split of its own", least=0, below=1)
    seed: int = parameter(1, "fixes every random choice", least=0, below=2**31)

    cleaning: int = field(default=CLEANING, init=False, repr=False)

    @property
    def text(self) -> TextSettings:
        return TextSettings(**{f.name: getattr(self, f.name) for f in fields(TextSettings)})


@dataclass(frozen=True)
class TrainSettings:
    """Parameters of `train`."""

    prepared: str = parameter("latest", "prepared.h5 to train on: latest, the id of a prepare run, or a path")
    backend: str = parameter("tensorflow", "what Keras runs on", choices=BACKENDS)
    architecture: str = parameter("bilstm", "the kind of network, or ngrams: these alone, as a baseline", choices=ARCHITECTURES)
    ngrams: int = parameter(262_144, "word sequences that a regression beside the network weighs, at most (0: the network alone)", least=0)
    start_from: str = parameter("none", "a model whose network the training starts from: none, the id of a train run, or a path")
    embedding_size: int = parameter(50, "numbers that stand for a word", least=1)
    lstm_size: int = parameter(64, "units of an LSTM, in each direction", least=1)
    filters: int = parameter(250, "filters of the convolution (cnn, cnn-lstm)", least=1)
    kernel_size: int = parameter(3, "words that a filter sees (cnn, cnn-lstm)", least=1)
    dense_size: int = parameter(250, "units of the dense layer after the convolution (cnn)", least=1)
    dropout: float = parameter(0.5, "share of the activations dropped in training", least=0, below=1)
    learning_rate: float = parameter(0.001, "Adam's step size", least=1e-9)
    batch_size: int = parameter(0, "reviews a step (0: by their number, 16, 32 or 64, for some 350 steps an epoch or more)", least=0)
    weight_average: float = parameter(0.995, "decay of the moving average of the weights that is kept (0: the last ones)", least=0, below=1)
    epochs: int = parameter(20, "passes over the training reviews, at most", least=1)
    patience: int = parameter(3, "epochs without a better validation loss before it stops", least=1)
    seed: int = parameter(1, "fixes every random choice", least=0, below=2**31)


@dataclass(frozen=True)
class MainSettings(PrepareSettings, TrainSettings):
    """Parameters of `main`: train's, which come first wherever they are shown, and prepare's."""

    prepared: str = field(default="latest", init=False, repr=False)  # main trains on what it prepares
    register: bool = parameter(True, "register the model, and make it champion if the gate opens")
    golden: str = parameter("none", GOLDEN)


@dataclass(frozen=True)
class Range:
    """What a search tries of one parameter, both ends included; nothing but `low` if they are equal."""

    low: float
    high: float

    def __str__(self) -> str:
        ends = dict.fromkeys((self.low, self.high))
        return "..".join(f"{end:g}" for end in ends)


class Choices(tuple[str, ...]):
    """What a search tries of one parameter, one after the other."""

    def __str__(self) -> str:
        return ",".join(self)


@dataclass(frozen=True)
class TuneSettings(TrainSettings):
    """Parameters of `tune`: train's, of which sizes and rates may be ranges, `16..128`, and two may be lists, `bilstm,cnn`."""

    start_from: str = field(default="none", init=False, repr=False)  # sizes differ from trial to trial
    backend: Choices = parameter(Choices(["tensorflow"]), "what Keras runs on, one or several")  # type: ignore[assignment]
    architecture: Choices = parameter(Choices(["bilstm"]), "the kind of network, one or several")  # type: ignore[assignment]
    embedding_size: Range = parameter(Range(16, 128), "numbers that stand for a word")  # type: ignore[assignment]
    lstm_size: Range = parameter(Range(16, 128), "units of an LSTM, in each direction")  # type: ignore[assignment]
    filters: Range = parameter(Range(50, 400), "filters of the convolution (cnn, cnn-lstm)")  # type: ignore[assignment]
    kernel_size: Range = parameter(Range(2, 5), "words that a filter sees (cnn, cnn-lstm)")  # type: ignore[assignment]
    dense_size: Range = parameter(Range(50, 400), "units of the dense layer after the convolution (cnn)")  # type: ignore[assignment]
    dropout: Range = parameter(Range(0.1, 0.6), "share of the activations dropped in training")  # type: ignore[assignment]
    learning_rate: Range = parameter(Range(0.0003, 0.01), "Adam's step size")  # type: ignore[assignment]
    batch_size: Range = parameter(Range(16, 128), "reviews a step")  # type: ignore[assignment]
    metric: str = parameter("val_auc", "what best is measured by: the network's, on the validation split", choices=METRICS)
    trials: int = parameter(20, "trials that the study is to have", least=1)
    timeout: int = parameter(0, "seconds after which no epoch is begun any more (0: none)", least=0)
    workers: int = parameter(1, "trials at a time on this machine, which share its cores", least=1)
    study: str = parameter("auto", "the study to begin, or to go on with (auto: a new one)")
    storage: str = parameter("optuna.journal", "where the study is kept: a file on this machine, or postgresql://user@host/database")
    register: bool = parameter(True, "register the final model, and make it champion if the gate opens")


@dataclass(frozen=True)
class ParitySettings:
    """Parameters of `parity`."""

    run: str = parameter("latest", "the training run whose model is scored: latest, or a run id")
    backends: str = parameter("all", "all (that are installed), or names with commas between")
    reviews: str = parameter("data/reviews.txt", "the reviews to score, in any form that prepare takes")


REQUIRED = ""  # the default of a parameter that has none


@dataclass(frozen=True)
class ScoreSettings(TableSettings):
    """Parameters of `score`."""

    input: str = parameter(REQUIRED, "a table of texts, or a folder of tables")
    output: str = parameter("auto", "where the rows with their scores go (auto: beside the input, NAME.scored.ENDING)")
    model: str = parameter("models:/sentiment@champion", "a registered model, the id of a train or import run, or a path to a model.h5")
    engine: str = parameter("local", "what scores: this process, or Apache Spark", choices=("local", "spark"))
    spark_master: str = parameter("local[*]", "the Spark cluster, such as spark://host:7077; local[*] is this machine")


@dataclass(frozen=True)
class RegisterSettings:
    """Parameters of `register`."""

    run: str = parameter("best", "best: of the newest data; previous: back to the champion before; the id of a run; or a model file")
    metric: str = parameter("val_auc", "what best is measured by: the model's, on the validation split", choices=METRICS)
    name: str = parameter("sentiment", "the registered model")
    alias: str = parameter("champion", "the alias that the candidate takes if the gate opens")
    golden: str = parameter("none", GOLDEN)
    force: bool = parameter(False, "take the alias even if the gate does not open")
    vocabulary: str = parameter("none", "the word index of a model of Keras 1 or 2: JSON, each word with its rank")
    max_length: int = parameter(400, "tokens that a model of Keras 1 or 2 reads, if its file does not fix that", least=2)


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


def parameters(kind: type) -> list[Any]:
    """The fields of a settings class that a user may set."""
    return [f for f in fields(kind) if f.init]


def part(kind: type, whole: Any, **changes: Any) -> Any:
    """The settings of one step out of those of the whole job."""
    return kind(**{f.name: getattr(whole, f.name) for f in parameters(kind) if hasattr(whole, f.name)} | changes)


def as_text(value: Any) -> str:
    """A value as MLflow shows it and as the command line takes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def from_text(about: Any, text: str) -> Any:
    """The value that a user's text gives one parameter.

    Raises:
        UserError: The text is not of the parameter's type, or the value is out of its range.
    """
    name, kind, meta = about.name, about.type, about.metadata
    received = f"Received: {name}={text}."
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise UserError(f"{name} is not true or false. {received} Say true or false.")
        return text.lower() == "true"
    if kind is Range:
        return _range(name, text)
    if kind is Choices:
        return _choices(name, text)
    try:
        value = kind(text)
    except ValueError:
        wanted = {int: "a whole number", float: "a number"}[kind]
        raise UserError(f"{name} is not {wanted}. {received} Give {wanted}, such as {as_text(about.default)}.") from None
    if meta["choices"] and value not in meta["choices"]:
        raise UserError(f"Unknown {name}. {received} Use one of: {', '.join(meta['choices'])}.")
    if kind is str:
        if not value.strip():
            raise UserError(f"{name} is empty. {received} Leave it out for the default, {as_text(about.default)}.")
        return value
    least, below = meta["least"], meta["below"]
    if not math.isfinite(value) or (least is not None and value < least) or (below is not None and value >= below):
        limits = " and ".join(f"{word} {as_text(limit)}" for word, limit in (("at least", least), ("below", below)) if limit is not None)
        raise UserError(f"{name} is out of range. {received} Give a number {limits}.")
    return value


def _choices(name: str, text: str) -> Choices:
    """`bilstm,cnn`: each as train takes it, but for the architecture that has no network."""
    about = next(f for f in fields(TrainSettings) if f.name == name)
    chosen = [from_text(about, each.strip()) for each in text.split(",")]
    if NGRAMS_ALONE in chosen:
        raise UserError(f"N-grams alone have no network to search for. Received: {name}={text}. Use some of: {', '.join(NETWORKS)}.")
    return Choices(dict.fromkeys(chosen))


def _range(name: str, text: str) -> Range:
    """`16..128`, or one value; each as train takes it."""
    about = next(f for f in fields(TrainSettings) if f.name == name)
    low, dots, high = text.partition("..")
    found = Range(from_text(about, low), from_text(about, high if dots else low))
    if found.low > found.high:
        raise UserError(f"The range of {name} is empty. Received: {name}={text}. Put the smaller end first: {found.high:g}..{found.low:g}.")
    return found
