"""Every parameter of every entry point: its name, type, default, range and meaning. `make docs` writes them into MLproject and docs."""

from sentiment.settings.architectures import ARCHITECTURES, LSTMS_OVER_WORDS, NETWORKS, NGRAMS_ALONE, SIZES
from sentiment.settings.backends import BACKENDS, KERAS_BACKENDS
from sentiment.settings.declaration import REQUIRED, Choices, Range, as_text, from_text, parameter, parameters, part
from sentiment.settings.models import (
    CHAMPION,
    CompareSettings,
    EvaluateSettings,
    ImportSettings,
    MonitorSettings,
    ParitySettings,
    RegisterSettings,
    ScoreSettings,
    SendSettings,
)
from sentiment.settings.reviews import CLEANING, PrepareSettings, TableSettings, TextSettings
from sentiment.settings.training import AUTO, LANGUAGE_MODEL, METRICS, NONE, TEACHER, VECTORS, MainSettings, TrainSettings, TuneSettings

ENTRY_POINTS: dict[str, type] = {
    "main": MainSettings,
    "prepare": PrepareSettings,
    "train": TrainSettings,
    "tune": TuneSettings,
    "register": RegisterSettings,
    "score": ScoreSettings,
    "parity": ParitySettings,
    "compare": CompareSettings,
    "monitor": MonitorSettings,
    "send": SendSettings,
}

__all__ = [
    "ARCHITECTURES",
    "AUTO",
    "BACKENDS",
    "CHAMPION",
    "CLEANING",
    "ENTRY_POINTS",
    "KERAS_BACKENDS",
    "LANGUAGE_MODEL",
    "LSTMS_OVER_WORDS",
    "METRICS",
    "NETWORKS",
    "NGRAMS_ALONE",
    "NONE",
    "REQUIRED",
    "SIZES",
    "TEACHER",
    "VECTORS",
    "Choices",
    "CompareSettings",
    "EvaluateSettings",
    "ImportSettings",
    "MainSettings",
    "MonitorSettings",
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
