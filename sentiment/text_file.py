"""What an encoder is made of, in an HDF5 file: the same in `prepared.h5` and in `model.h5`.

    vocabulary, more_words <str>[words]          as in `sentiment.text`
    ngrams/prefix, ngrams/last <int32>[ngrams]   as in `sentiment.ngrams`

Attributes: `text_settings` (JSON) and, if it is not the usual one, the kind of `encoder`.
"""

import json
from dataclasses import asdict
from typing import Any

import h5py

from sentiment.ngrams import NONE, Ngrams
from sentiment.old_text import OldEncoder
from sentiment.settings import TextSettings
from sentiment.text import Encoder

KINDS: dict[str, type[Encoder]] = {"usual": Encoder, "sample-2017": OldEncoder}


def write_encoder(encoder: Encoder, group: h5py.Group) -> None:
    group.attrs["encoder"] = next(name for name, kind in KINDS.items() if kind is type(encoder))
    group.attrs["text_settings"] = json.dumps(asdict(encoder.settings))
    for name in ("vocabulary", "more_words"):
        group.create_dataset(name, data=list(getattr(encoder, name)), dtype=h5py.string_dtype())
    for name in ("prefix", "last"):
        group[f"ngrams/{name}"] = getattr(encoder.ngrams, name)


def read_encoder(group: h5py.Group) -> Encoder:
    """Raises KeyError, TypeError or ValueError if the group does not hold one. The first files had no n-grams."""
    settings: dict[str, Any] = json.loads(group.attrs["text_settings"])
    settings.pop("ngrams", None)  # of files in which it was a setting of texts
    vocabulary, more_words = (tuple(group[name].asstr()[:]) if name in group else () for name in ("vocabulary", "more_words"))
    ngrams = Ngrams(group["ngrams/prefix"][:], group["ngrams/last"][:]) if "ngrams" in group else NONE
    return KINDS[group.attrs.get("encoder", "usual")](TextSettings(**settings), vocabulary, more_words, ngrams)
