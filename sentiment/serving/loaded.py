"""A model as a server has it: what scores, and what is known of where it is from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from mlflow.models import Model

from sentiment.model.golden_texts import BUILT_IN
from sentiment.model.scorer import Scorer

TRAINED_ON, GOLDEN_SCORES = "trained_on", "golden_scores"  # what is saved beside a model
REGISTERED = "registered_model_meta"  # MLflow's file in the folder of a model that came from the registry
ALLOWED = 1e-4  # between a score here and where the model was saved
GOLDEN_TEXTS = [text for pair in BUILT_IN for text in pair]


@dataclass(frozen=True)
class Loaded:
    """name, version: in the registry, "" if they are not known; config: what was saved beside the model."""

    scorer: Scorer
    config: dict[str, Any]
    name: str = ""
    version: str = ""

    @property
    def title(self) -> str:
        return f"version {self.version} of {self.name}" if self.version else "the model"

    @property
    def trained_on(self) -> str:
        return self.config.get(TRAINED_ON) or "reviews that are not known here"

    def line(self) -> str:
        return f"a model trained on {self.trained_on} (data {self.scorer.model.data_fingerprint[:12] or 'not named'})"

    def about(self) -> dict[str, Any]:
        """What a user of its scores may want to know, for JSON."""
        model = self.scorer.model
        settings = {"architecture": model.settings.get("architecture"), "max_length": model.encoder.settings.max_length}
        known = {"name": self.name, "version": self.version, "trained_on": self.trained_on, "data": model.data_fingerprint[:12]}
        measured = {"right": model.reference.right, "reviews": model.reference.reviews} if model.reference else None
        made = {"backend": model.backend, "threshold": model.threshold, "ngrams": len(model.encoder.ngrams)}
        return known | settings | made | {"validation": measured}

    def check(self) -> None:
        """Scores the golden texts. Raises ValueError if a score is none, or another than where the model was saved."""
        saved = self.config.get(GOLDEN_SCORES) or []
        texts = [text for text, _ in saved] or GOLDEN_TEXTS
        scores = self.scorer.score(texts)
        if not ((scores >= 0) & (scores <= 1)).all():
            raise ValueError("the golden texts have no scores")
        if saved and not (difference := float(np.abs(scores - [score for _, score in saved]).max())) <= ALLOWED:
            raise ValueError(f"the golden texts score otherwise than when it was saved, by up to {difference:.2g}")


def golden_scores(scorer: Scorer) -> list[tuple[str, float]]:
    return list(zip(GOLDEN_TEXTS, scorer.score(GOLDEN_TEXTS).tolist(), strict=True))


def load(folder: Path) -> Loaded:
    """From the folder of a saved model."""
    (file,) = (folder / "artifacts").glob("*.h5")
    config = Model.load(str(folder)).flavors["python_function"].get("config") or {}
    return Loaded(Scorer(file), config, *registered(folder))


def registered(folder: Path) -> tuple[str, str]:
    """The name and the version in the registry that the folder of a saved model came from; two "" if it did not."""
    file = folder / REGISTERED
    noted = yaml.safe_load(file.read_text("utf-8")) if file.is_file() else {}
    return str(noted.get("model_name", "")), str(noted.get("model_version", ""))
