"""N-grams, against counting them one by one."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import numpy as np
import pytest

from sentiment.ragged import Ragged, from_lengths
from sentiment.text.ngrams import FEW, LEAST, LONGEST, NONE, PART, SKIP_BIT, SKIP_DISTANCES, Ngrams, fit


def rows(texts: list[list[int]]) -> Ragged:
    return from_lengths(np.array(list(chain.from_iterable(texts)), np.int32), np.array([len(text) for text in texts], np.int64))


def sequences(text: list[int]) -> set[tuple[int, ...]]:
    """All of known words, by hand; a skip-bigram as its last word is marked."""
    found = {tuple(text[at : at + length]) for length in range(1, LONGEST + 1) for at in range(len(text) - length + 1)}
    apart = {(text[at], text[at + by]) for by in SKIP_DISTANCES for at in range(len(text) - by)}
    return {sequence for sequence in found if all(sequence)} | {(one, SKIP_BIT + other) for one, other in apart if one and other}


def spelled(ngrams: Ngrams) -> list[tuple[int, ...]]:
    out: list[tuple[int, ...]] = []
    for prefix, last in zip(ngrams.prefix, ngrams.last, strict=True):
        out.append((*(out[prefix - 1] if prefix else ()), int(last)))
    return out


@pytest.fixture
def texts() -> list[list[int]]:
    random = np.random.default_rng(0)
    return [random.integers(0, 6, random.integers(0, 12)).tolist() for _ in range(60)]


def test_eight_threads_find_what_one_finds() -> None:
    """From the first look on, when each of them finds no table of the n-grams yet."""
    random = np.random.default_rng(0)
    texts = rows([random.integers(1, 3000, 2 * FEW).tolist() for _ in range(100)])
    ngrams = fit(texts, 30_000)
    expected = ngrams.encode(texts).ids.tolist()
    for _ in range(8):
        unused = Ngrams(ngrams.prefix, ngrams.last)
        with ThreadPoolExecutor(8) as pool:
            assert [encoded.ids.tolist() for encoded in pool.map(unused.encode, [texts] * 8)] == [expected] * 8


@pytest.mark.parametrize("most", [10_000, 360, 320, 20, 3, 1])
def test_the_most_frequent_are_found(texts: list[list[int]], most: int) -> None:
    counts = Counter(sequence for text in texts for sequence in sequences(text))
    least = LEAST if sum(map(len, texts)) > most else 1
    frequent = {sequence for sequence, count in counts.items() if count >= least}
    found = spelled(fit(rows(texts), most))
    assert len(set(found)) == len(found) <= most
    assert set(found) <= frequent
    left_out = frequent - set(found)
    if left_out and found:
        assert max(counts[sequence] for sequence in left_out) < min(counts[sequence] for sequence in found)
    if most >= len(frequent):
        assert not left_out


def test_of_few_texts_single_occurrences_count() -> None:
    texts = [[1, 2], [1, 3], [4]]  # five words, nine sequences
    assert set(spelled(fit(rows(texts), 9))) == {(1,), (2,), (3,), (4,), (1, 2), (1, 3)}
    assert spelled(fit(rows(texts), 5)) == [(1,)]  # there is no room for all that occur once
    assert spelled(fit(rows(texts), 4)) == [(1,)]


def test_a_text_has_those_that_occur_in_it(texts: list[list[int]]) -> None:
    assert sum(map(len, texts)) > FEW
    ngrams = fit(rows(texts), 40)
    names = spelled(ngrams)
    encoded = ngrams.encode(rows(texts))
    for at, text in enumerate(texts):
        ids = encoded.row(at).tolist()
        assert ids == sorted(set(ids))
        assert {names[number - 1] for number in ids} == sequences(text) & set(names)
        assert ngrams.encode(rows([text])).ids.tolist() == ids  # few words are looked up in another way


def test_many_texts_are_encoded_as_a_few(texts: list[list[int]]) -> None:
    ngrams, few = fit(rows(texts), 40), rows(texts)
    times = PART * 2 // len(few) + 1  # so many that they are encoded in three parts
    many = ngrams.encode(rows(texts * times))
    assert many.ids.tolist() == ngrams.encode(few).ids.tolist() * times
    assert many.lengths.tolist() == ngrams.encode(few).lengths.tolist() * times


def test_nothing_of_nothing() -> None:
    assert len(fit(rows([]), 10)) == len(fit(rows([[], []]), 10)) == len(fit(rows([[1, 2], [1, 2]]), 0)) == 0
    assert NONE.encode(rows([[1, 2], []])).lengths.tolist() == [0, 0]
    assert fit(rows([[1, 2], [1, 2]]), 10).encode(rows([])).lengths.tolist() == []


def test_each_occurrence_is_found_at_its_places(texts: list[list[int]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also over the bounds of the parts that a long text is searched by."""
    monkeypatch.setattr("sentiment.text.ngrams.PLACES", 7)
    known, (text,) = fit(rows(texts), 300), [[word for each in texts for word in each]]
    spellings = spelled(known)
    found: Counter[tuple[int, ...]] = Counter()
    for ids, places in known.occurrences(np.array(text, np.int32)):
        for number, (first, middle, last) in zip(ids.tolist(), places.tolist(), strict=True):
            place = dict.fromkeys((first, middle, last))
            spelling = tuple(text[at] for at in place)
            apart = len(place) == 2 and last - first > 1
            assert spellings[number - 1] == ((spelling[0], SKIP_BIT + spelling[1]) if apart else spelling)
            found[spellings[number - 1]] += 1
    every = Counter(tuple(text[at : at + length]) for length in range(1, LONGEST + 1) for at in range(len(text) - length + 1))
    every += Counter((text[at], SKIP_BIT + text[at + by]) for by in SKIP_DISTANCES for at in range(len(text) - by))
    assert found == {sequence: count for sequence, count in every.items() if sequence in set(spellings)}
    assert known.encode(rows([text])).ids.tolist() == known.encode(rows([text, []])).ids.tolist()
