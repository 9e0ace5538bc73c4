"""What an encoder is made of, in an HDF5 file: the same in `prepared.h5` and in `model.h5`.

    vocabulary, more_words <str>[words]          as in `sentiment.text`
    ngrams/prefix, ngrams/last <int32>[ngrams]   as in `sentiment.text.ngrams`

Attributes: `text_settings` (JSON) and, if it is not the usual one, the kind of `encoder`.
"""

import json
from dataclasses import asdict
from typing import Any

import h5py

from sentiment.errors import UserError
from sentiment.hdf5 import Group
from sentiment.settings import CLEANING, TextSettings, as_text, from_text, parameters
from sentiment.text.keras_1_2 import OldEncoder
from sentiment.text.ngrams import NONE, Ngrams
from sentiment.text.vocabulary import Encoder

KINDS: dict[str, type[Encoder]] = {"usual": Encoder, "sample-2017": OldEncoder}


def write_encoder(encoder: Encoder, group: h5py.Group) -> None:
    group.attrs["encoder"] = next(name for name, kind in KINDS.items() if kind is type(encoder))
    group.attrs["text_settings"] = json.dumps(asdict(encoder.settings))
    for name in ("vocabulary", "more_words"):
        group.create_dataset(name, data=list(getattr(encoder, name)), dtype=h5py.string_dtype())
    for name in ("prefix", "last"):
        group[f"ngrams/{name}"] = getattr(encoder.ngrams, name)


def read_encoder(group: Group) -> Encoder:
    """Raises KeyError, TypeError or ValueError if the group does not hold one. The first files had no n-grams."""
    settings: dict[str, Any] = {"cleaning": 1} | json.loads(group.text("text_settings"))
    settings.pop("ngrams", None)  # of files in which it was a setting of texts
    text_settings = TextSettings(**settings)
    _check_ranges(text_settings)
    vocabulary, more_words = (group.strings(name) if name in group else () for name in ("vocabulary", "more_words"))
    return KINDS[group.text("encoder", "usual")](text_settings, vocabulary, more_words, _read_ngrams(group))


def _check_ranges(settings: TextSettings) -> None:
    if settings.cleaning not in range(1, CLEANING + 1):
        raise ValueError(f"its texts are cleaned in a way that is not known, {settings.cleaning!r}"[:200])
    for parameter in parameters(TextSettings):
        value = getattr(settings, parameter.name)
        try:
            if type(value) is not parameter.type:
                raise ValueError(f"its text settings have {parameter.name}={value!r}"[:200])
            if parameter.metadata:
                from_text(parameter, as_text(value))
        except UserError as error:
            raise ValueError(str(error)) from error


def _read_ngrams(group: Group) -> Ngrams:
    if "ngrams" not in group:
        return NONE
    prefix, last = (group.array(f"ngrams/{name}", "i") for name in ("prefix", "last"))
    if len(prefix) != len(last) or (prefix < 0).any() or (prefix > len(prefix)).any() or (last < 0).any():
        raise ValueError("its n-grams are not sequences of words")
    return Ngrams(prefix, last)
