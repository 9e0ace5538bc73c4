"""The page of models that are compared."""

import math

from sentiment.evaluation.comparison import Comparison
from sentiment.report.pages import render

MEASURES = {"AUC": "auc", "balanced accuracy": "balanced_accuracy", "F1 of positive": "f1", "log loss": "log_loss"}


def page(made: Comparison, *, reviews: str, fingerprint: str, run_id: str, where: str) -> str:
    """HTML. reviews, fingerprint: of the data; run_id, where: of the run that has the page, and its tracking server."""
    least = math.floor(min(share.low for model in made.models for share in model.accuracy.values()) * 10) / 10

    def place(value: float) -> float:
        """Of the line that goes from `least` to 1, in per cent."""
        return round(100 * (value - least) / (1 - least), 1)

    return render(
        "comparison.html.jinja", made=made, measures=MEASURES, least=least, place=place,
        reviews=reviews, fingerprint=fingerprint, run_id=run_id, where=where,
    )  # fmt: skip
