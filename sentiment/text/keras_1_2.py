"""Texts to token ids as the sample of 2017 made them, for the models that come from there.

It used Keras's own preprocessing: `text_to_word_sequence`, then the word index of `keras.datasets.imdb` plus 3 (0 padding, 1
start, 2 a word that is too rare for the embedding; words that the index lacks are left out), the first `max_length` tokens,
and zeros in front up to just that length, as `pad_sequences` does it. Such a model's scores depend on all of it.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sentiment.errors import UserError
from sentiment.ragged import Ragged, from_lists
from sentiment.text.vocabulary import FIRST_WORD, START, UNKNOWN, Encoded, Encoder

INDEX_FROM = FIRST_WORD - 1
MOST_LENGTH = 10_000  # tokens of a row, which is always that long
_FILTERED = str.maketrans(dict.fromkeys('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n', " "))  # the apostrophe stays


@dataclass(frozen=True)
class OldEncoder(Encoder):
    """Rows of token ids, each `max_length` long.

    vocabulary: as in `Encoder`, and behind the words that have a row in the embedding the rarer ones.
    """

    def __post_init__(self) -> None:
        if not 2 <= self.settings.max_length <= MOST_LENGTH:
            raise ValueError(f"its rows have {self.settings.max_length} tokens, which may be 2 to {MOST_LENGTH}")

    @property
    def size(self) -> int:
        return self.settings.vocabulary_size

    def number(self, texts: list[str]) -> Ragged:
        """The id of each word of each text; 0 for one that is too rare for the embedding."""
        rows = [[self._id(word) for word in self.words(text)] for text in texts]
        return from_lists(rows)

    def encode_numbers(self, numbers: Ragged) -> Encoded:
        length = self.settings.max_length
        ids = np.zeros((len(numbers), length), np.int32)
        for at, row in enumerate(ids):
            known = numbers.row(at)
            row[length - len(known) - 1 :] = [START, *np.where(known > 0, known, UNKNOWN)]
        tokens = Ragged(ids.ravel(), np.arange(len(numbers) + 1, dtype=np.int64) * length)
        return Encoded(tokens, self.ngrams.encode(numbers))

    def words(self, text: str) -> list[str]:
        known = [word for word in text.lower().translate(_FILTERED).split(" ") if word and word in self._numbers]
        return known[: self.settings.max_length - 1]

    def _id(self, word: str) -> int:
        number = self._numbers[word] + INDEX_FROM
        return number if number < self.settings.vocabulary_size else 0


def read_words(path: Path, size: int) -> tuple[str, ...]:
    """The vocabulary for an embedding with `size` rows, from a word index: JSON, `{word: rank}`, ranks from 1.

    Raises:
        UserError: The file is not that.
    """
    try:
        ranks = json.loads(path.read_text("utf-8"))
        ids = {word: rank + INDEX_FROM for word, rank in ranks.items()}
        if not ids or any(type(number) is not int or number < FIRST_WORD for number in ids.values()):
            raise ValueError("not every word has a whole number from 1 on")
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise UserError(
            f"The vocabulary can't be read. Received: vocabulary={path}: {error}. "
            "Give the model's word index: JSON, each word with its rank, from 1 on."
        ) from error
    by_id = {number: word for word, number in ids.items()}
    if len(by_id) < len(ids):
        raise UserError(f"Words of the vocabulary share a number. Received: vocabulary={path}. Give the model's word index.")
    within = [by_id.get(number, "") for number in range(FIRST_WORD, size)]
    return (*within, *(word for word, number in ids.items() if number >= size))
