"""The parameters of what reads, cleans and splits reviews."""

from dataclasses import dataclass, field, fields

from sentiment.settings.declaration import parameter

CLEANING = 2  # the version of how `sentiment.text` cleans; files that name none are of version 1


@dataclass(frozen=True)
class TextSettings:
    """How a text becomes token ids; kept in `prepared.h5` and in `model.h5`."""

    vocabulary_size: int = parameter(
        30_000,
        "token ids at most: 0 padding, 1 start, 2 unknown, 3 not used, then words by frequency; words that occur once have none",
        minimum=5,
    )
    max_length: int = parameter(400, "tokens kept of a review, start token included: its first and its last half", minimum=2)
    lowercase: bool = parameter(True, "lower-case the text")
    strip_punctuation: bool = parameter(False, "drop punctuation (false: each mark is a token)")
    remove_stop_words: bool = parameter(False, "drop English function words; negations stay")
    cleaning: int = CLEANING  # no parameter: a model cleans texts for ever as those that it was trained on


@dataclass(frozen=True)
class TableSettings:
    """How a table is read."""

    text_column: str = parameter("auto", "the column that holds the text (auto: found by its name or content)")
    separator: str = parameter("auto", "the character between columns (tab for a tab, none for one column)")
    encoding: str = parameter(
        "auto", "the character encoding, as Python names it (auto: UTF-16 by its mark, UTF-8, or the one that the text is clearly in)"
    )
    escape: str = parameter("auto", "the character that makes the next one text: backslash (Spark, MySQL), none, or another one")
    header: bool = parameter(True, "the table begins with the names of its columns (false: they are called 1, 2, 3 ...)")
    max_row: int = parameter(10_000_000, "characters of a row, or bytes of a file in an archive, at most", minimum=1)
    max_size: int = parameter(0, "bytes that a packed file may unpack to (0: 100 times its size, but at least 500 million)", minimum=0)


@dataclass(frozen=True)
class PrepareSettings(TableSettings, TextSettings):
    """Parameters of `prepare`."""

    reviews: str = parameter(
        "data/reviews.txt",
        "a table, a folder or tar.gz in aclImdb layout, or imdb: downloads the Large Movie Review Dataset, checks and keeps it",
    )
    label_column: str = parameter("auto", "the column that holds the label: 0/1, negative/positive, neg/pos, false/true")
    positive: str = parameter(
        "auto", "the labels that count as positive, with commas between, such as 4,5; one with a comma in double quotes"
    )
    negative: str = parameter("auto", "the labels that count as negative, such as 1,2; reviews with other ones are left out")
    group_column: str = parameter("none", "the column that says what a review is about, such as a product: each group is in one split only")
    sample: int = parameter(0, "labelled reviews to keep, with the shares that labels and splits have in the whole (0: all)", minimum=0)
    validation_fraction: float = parameter(
        0.1,
        "share of the training reviews that validates: whole groups, such as films, where there are groups",
        minimum=0,
        exclusive_maximum=1,
    )
    test_fraction: float = parameter(0.2, "share that tests, where the file has no test split of its own", minimum=0, exclusive_maximum=1)
    seed: int = parameter(1, "fixes every random choice", minimum=0, exclusive_maximum=2**31)

    cleaning: int = field(default=CLEANING, init=False, repr=False)

    @property
    def text(self) -> TextSettings:
        return TextSettings(**{f.name: getattr(self, f.name) for f in fields(TextSettings)})
