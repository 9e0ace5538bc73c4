"""Every parameter of every entry point: its name, type, default, range and meaning. `make docs` writes them into MLproject and docs."""

from sentiment.settings.declaration import REQUIRED, Choices, Range, as_text, from_text, parameter, parameters, part
from sentiment.settings.models import EvaluateSettings, ImportSettings, ParitySettings, RegisterSettings, ScoreSettings, SendSettings
from sentiment.settings.reviews import CLEANING, PrepareSettings, TableSettings, TextSettings
from sentiment.settings.training import (
    ARCHITECTURES,
    BACKENDS,
    METRICS,
    NETWORKS,
    NGRAMS_ALONE,
    SIZES,
    MainSettings,
    TrainSettings,
    TuneSettings,
)

ENTRY_POINTS: dict[str, type] = {
    "main": MainSettings,
    "prepare": PrepareSettings,
    "train": TrainSettings,
    "tune": TuneSettings,
    "register": RegisterSettings,
    "score": ScoreSettings,
    "parity": ParitySettings,
    "send": SendSettings,
}

__all__ = [
    "ARCHITECTURES",
    "BACKENDS",
    "CLEANING",
    "ENTRY_POINTS",
    "METRICS",
    "NETWORKS",
    "NGRAMS_ALONE",
    "REQUIRED",
    "SIZES",
    "Choices",
    "EvaluateSettings",
    "ImportSettings",
    "MainSettings",
    "ParitySettings",
    "PrepareSettings",
    "Range",
    "RegisterSettings",
    "ScoreSettings",
    "SendSettings",
    "TableSettings",
    "TextSettings",
    "TrainSettings",
    "TuneSettings",
    "as_text",
    "from_text",
    "parameter",
    "parameters",
    "part",
]
