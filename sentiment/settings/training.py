"""The parameters of what trains: one model, the whole way to it, and the search for a good one."""

from dataclasses import dataclass, field

from sentiment.settings import threshold as thresholds
from sentiment.settings import word_dropout as word_dropouts
from sentiment.settings.architectures import ARCHITECTURES, NETWORKS, those_with
from sentiment.settings.backends import BACKENDS
from sentiment.settings.declaration import Choices, Range, parameter, searched
from sentiment.settings.reviews import PrepareSettings

METRICS = ("val_auc", "val_accuracy", "val_loss")
GOLDEN = (
    "texts that a candidate has to tell apart: a table with texts and labels (none: built-in ones, as far as the model knows their words)"
)
AUTO, NONE, VECTORS, TEACHER, LANGUAGE_MODEL = PRETRAINING = ("auto", "none", "vectors", "teacher", "language-model")


@dataclass(frozen=True)
class TrainSettings:
    """Parameters of `train`."""

    backend: str = parameter("tensorflow", "what Keras runs on", choices=BACKENDS)
    architecture: str = parameter(
        "bilstm", "the kind of network, or ngrams: no network, as a baseline to compare with", choices=ARCHITECTURES
    )
    embedding_size: int = parameter(50, "numbers that stand for a word", minimum=1)
    lstm_size: int = parameter(64, "units of an LSTM, in each direction", minimum=1)
    filters: int = parameter(250, f"filters of the convolution ({those_with('filters')})", minimum=1)
    kernel_size: int = parameter(3, f"words that a filter sees ({those_with('kernel_size')})", minimum=1)
    dense_size: int = parameter(250, f"units of the dense layer after the convolution ({those_with('dense_size')})", minimum=1)
    ngrams: int = parameter(
        262_144,
        "n-grams of one to three words, and skip-bigrams over one or two, that the regression beside the network weighs (0: the network alone)",
        minimum=0,
    )
    pretrain: str = parameter(
        AUTO,
        "what the network learns first, also from reviews without labels: vectors of words; these, and then what the n-grams say of pieces "
        "of reviews (teacher), or which word comes next (language-model); none; or auto, where there are a million words to learn from: "
        "teacher if the training reviews have a hundred words on average, vectors if they have fewer",
        choices=PRETRAINING,
    )
    pretrain_epochs: int = parameter(
        0,
        "passes of pretrain=teacher or language-model over the pieces of reviews (0: as many as show half a million of them, 2 to 20); a "
        "teacher drops nothing in up to five, and as dropout and word_dropout say in more; a language model drops nothing",
        minimum=0,
    )
    start_from: str = parameter(
        "none", "a model whose network the training starts from: none, the id of a train run, models:/sentiment@champion, or a path"
    )
    word_vectors: str = parameter(
        "none",
        "vectors that the words start with: none, or a file of word2vec, GloVe or fastText, as text, .gz too; embedding_size is theirs",
    )
    dropout: float = parameter(0.5, "share of the activations dropped in training", minimum=0, exclusive_maximum=1)
    word_dropout: str = parameter(
        AUTO,
        "share of the words that a training step takes for unknown ones, or auto: 0.3 where the training reviews have a hundred words on "
        "average, 0 where they have fewer",
        check=word_dropouts.parse,
    )
    learning_rate: float = parameter(0.001, "Adam's step size", minimum=1e-9)
    batch_size: int = parameter(
        0, "reviews a step (0: 64, 32 or 16, the most that leave some 350 steps an epoch; the metric reviews_per_step)", minimum=0
    )
    weight_average: float = parameter(
        0.995,
        "decay of the moving average of the weights, which is what is validated and kept (0: the last ones)",
        minimum=0,
        exclusive_maximum=1,
    )
    epochs: int = parameter(20, "passes over the training reviews, at most", minimum=1)
    patience: int = parameter(
        0,
        "epochs without a better validation loss before it stops (0: as many as have some 350 steps, at least 3, or after a teacher 1, and 2 after more than five of its epochs)",
        minimum=0,
    )
    threshold: str = parameter(
        f"{thresholds.DEFAULT:g}",
        "the score from which on a review is positive: a number; auto, the one of the best balanced accuracy on the validation split; or "
        "precision:0.95, the smallest with that precision there (model_val_accuracy is then slightly optimistic)",
        check=thresholds.parse,
    )
    seed: int = parameter(1, "fixes every random choice", minimum=0, exclusive_maximum=2**31)
    prepared: str = parameter("latest", "prepared.h5 to train on: latest, the id of a prepare run, or a path")


@dataclass(frozen=True)
class MainSettings(PrepareSettings, TrainSettings):
    """Parameters of `main`: train's, which come first wherever they are shown, and prepare's."""

    prepared: str = field(default="latest", init=False, repr=False)  # main trains on what it prepares
    register: bool = parameter(True, "register the model, and make it champion if the gate opens")
    golden: str = parameter("none", GOLDEN)


@dataclass(frozen=True)
class TuneSettings(TrainSettings):
    """Parameters of `tune`: train's, of which sizes and rates may be ranges, `16..128`, and two may be lists, `bilstm,cnn`."""

    start_from: str = field(default="none", init=False, repr=False)  # sizes differ from trial to trial
    word_vectors: str = field(default="none", init=False, repr=False)
    pretrain_epochs: int = field(default=0, init=False, repr=False)
    pretrain: str = parameter(
        AUTO,
        "what the networks learn first, once for all: vectors of words; none; or auto: vectors where there are a million words to learn from",
        choices=(AUTO, NONE, VECTORS),
    )
    backend: Choices = searched(TrainSettings, "backend", Choices(["tensorflow"]))  # type: ignore[assignment]
    architecture: Choices = searched(TrainSettings, "architecture", Choices(["bilstm"]), NETWORKS)  # type: ignore[assignment]
    embedding_size: Range = searched(TrainSettings, "embedding_size", Range(16, 128))  # type: ignore[assignment]
    lstm_size: Range = searched(TrainSettings, "lstm_size", Range(16, 128))  # type: ignore[assignment]
    filters: Range = searched(TrainSettings, "filters", Range(50, 400))  # type: ignore[assignment]
    kernel_size: Range = searched(TrainSettings, "kernel_size", Range(2, 5))  # type: ignore[assignment]
    dense_size: Range = searched(TrainSettings, "dense_size", Range(50, 400))  # type: ignore[assignment]
    dropout: Range = searched(TrainSettings, "dropout", Range(0.1, 0.6))  # type: ignore[assignment]
    learning_rate: Range = searched(TrainSettings, "learning_rate", Range(0.0003, 0.01))  # type: ignore[assignment]
    batch_size: Range = searched(TrainSettings, "batch_size", Range(16, 128), minimum=1)  # type: ignore[assignment]
    metric: str = parameter("val_auc", "what best is measured by: the network's, on the validation split", choices=METRICS)
    trials: int = parameter(20, "trials that the study is to have, pruned and failed ones counted", minimum=1)
    timeout: int = parameter(0, "seconds after which no epoch is begun any more (0: none)", minimum=0)
    workers: int = parameter(1, "trials at a time on this machine, which share its cores", minimum=1)
    study: str = parameter("auto", "the study to begin, or to go on with (auto: a new one)")
    storage: str = parameter("optuna.journal", "where the study is kept: a file on this machine, or postgresql://user@host/database")
    register: bool = parameter(True, "register the final model, and make it champion if the gate opens")
