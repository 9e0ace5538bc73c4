"""Word vectors that users have: text with a word and its numbers on each line, as word2vec, GloVe and fastText (`.vec`) write it.

word2vec and fastText say in a first line how many words and numbers there are. The file is read as a stream, and only the vectors of
words of the vocabulary are kept: neither that line nor the length of the file can take memory.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import numpy as np

from sentiment.errors import UserError
from sentiment.reviews.batch import OnBytes
from sentiment.reviews.packed import find_packed
from sentiment.text.vocabulary import FIRST_WORD, Encoder
from sentiment.training.word_vectors import WordVectors

LONGEST = 1 << 20  # bytes of a line
NO_LIMIT = 1 << 62  # bytes that a packed file may unpack to, as they are not kept
ADVICE = "Give text with a word and its numbers on each line, as word2vec, GloVe and fastText (.vec) write it; it may be packed with gzip."
Lines = Iterator[tuple[int, list[bytes]]]


def check(file: str, size: int) -> None:
    """Whether the file begins as one of vectors of `size` numbers; the rest of it is not looked at.

    Raises:
        UserError: It does not, or can't be read.
    """
    with _open(file, size, lambda count: None):
        pass


def read(file: str, encoder: Encoder, size: int, on_bytes: OnBytes = lambda count: None) -> WordVectors:
    """The vectors of the words that have token ids.

    Of equal words the first counts; where texts are lower-cased, `Ireland` stands for `ireland` if the file has no such word itself.

    size: numbers of a vector; on_bytes: is called with the size of each piece that was read.

    Raises:
        UserError: The file is not one of such vectors, is damaged or cut off, or has none of the words.
    """
    ids = {word.encode(): FIRST_WORD + index for index, word in enumerate(encoder.vocabulary)}
    table = np.zeros((FIRST_WORD + len(ids), size), np.float32)
    exact, lowered = np.zeros(len(table), bool), np.zeros(len(table), bool)
    with _open(file, size, on_bytes) as lines:
        for number, (word, *numbers) in lines:
            if len(numbers) > size:  # a word with blanks, which none of ours has
                continue
            at = ids.get(word)
            if at is not None and not exact[at]:
                table[at], exact[at] = _vector(numbers, file, number), True
            elif at is None and encoder.settings.lowercase:
                at = ids.get(word.decode("utf-8", "replace").lower().encode())
                if at is not None and not exact[at] and not lowered[at]:
                    table[at], lowered[at] = _vector(numbers, file, number), True
    known = np.flatnonzero(exact | lowered).astype(np.int32)
    if not len(known):
        raise UserError(f"The file has no word of the reviews. Received: word_vectors={file}. Give vectors of their language.")
    return WordVectors(known, table[known])


@contextmanager
def _open(file: str, size: int, on_bytes: OnBytes) -> Iterator[Lines]:
    """The lines with vectors: their numbers, from 1, and their columns, one more than `size` or, if the word has blanks, more."""
    path = Path(file).expanduser()
    if not path.is_file():
        raise UserError(f"There is no such file. Received: word_vectors={file}. Give a file of word vectors.")
    with find_packed(path, NO_LIMIT).open(on_bytes) as stream:
        first = _columns(stream.readline(LONGEST), file, 1)
        header = [int(each) for each in first if each.isdigit() and len(each) < 16] if len(first) == 2 else []
        has_counts = len(header) == 2
        actual = header[1] if has_counts else len(first) - 1
        if not has_counts and (actual < 1 or not _is_number(first[-1])):
            _refuse(file, "it begins with no word and its numbers")
        if actual != size:
            raise UserError(
                f"The vectors have another size. Received: word_vectors={file} with {actual} numbers for a word, embedding_size={size}. "
                f"Give embedding_size={actual}."
            )

        def lines() -> Lines:
            count = 0
            if not has_counts:
                count += 1
                yield 1, first
            number = 1
            while line := stream.readline(LONGEST):
                number += 1
                columns = _columns(line, file, number)
                if not columns:
                    continue
                if len(columns) <= size:
                    _refuse(file, f"line {number} has {len(columns)} columns, not a word and {size} numbers")
                count += 1
                yield number, columns
            if has_counts and count != header[0]:
                _refuse(file, f"its first line says {header[0]} words, and there are {count}: it is cut off, or that line is wrong")

        yield lines()


def _columns(line: bytes, file: str, number: int) -> list[bytes]:
    if len(line) == LONGEST:
        _refuse(file, f"line {number} is longer than {LONGEST} bytes")
    return line.split()


def _is_number(column: bytes) -> bool:
    try:
        float(column)
    except ValueError:
        return False
    return True


def _vector(numbers: list[bytes], file: str, number: int) -> np.ndarray:
    try:
        with np.errstate(over="ignore"):
            vector = np.array([float(each) for each in numbers]).astype(np.float32)
    except ValueError:
        _refuse(file, f"line {number} has something that is no number")
    if not np.isfinite(vector).all():
        _refuse(file, f"line {number} has a number that is not finite")
    return vector


def _refuse(file: str, why: str) -> NoReturn:
    raise UserError(f"The word vectors can't be read. Received: word_vectors={file}: {why}. {ADVICE}")
