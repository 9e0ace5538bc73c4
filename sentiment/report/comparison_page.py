"""The page of models that are compared."""

import math
import time

from sentiment.evaluation.comparison import Comparison, Pair, Quality
from sentiment.report.pages import duration, p_value, render, signed, size

MEASURES = {
    "AUC": "auc",
    "balanced accuracy": "balanced_accuracy",
    "F1 of positive": "f1",
    "log loss": "log_loss",
    "calibration error": "ece",
}
UNKNOWN = "–"


def page(made: Comparison, *, reviews: str, fingerprint: str, run_id: str, where: str) -> str:
    """HTML. reviews, fingerprint: of the data; run_id, where: of the run that has the page, and its tracking server."""
    least = math.floor(min(share.low for model in made.models for share in model.accuracy.values()) * 10) / 10
    names = [model.candidate.name for model in made.models]

    def position(value: float) -> float:
        """Of the line that goes from `least` to 1, in per cent."""
        return round(100 * (value - least) / (1 - least), 1)

    return render(
        "comparison.html.jinja",
        title=f"{len(names)} models compared",
        made=made,
        made_at=time.strftime("%Y-%m-%d %H:%M"),
        least=least,
        position=position,
        measures=[_measures(model) for model in made.models],
        pairs=[_pair(pair) for pair in made.pairs],
        costs=[_costs(model) for model in made.models],
        settings=[{"setting": name, **dict(zip(names, values, strict=True))} for name, values in made.settings.items()],
        reviews=reviews,
        fingerprint=fingerprint,
        run_id=run_id,
        where=where,
    )


def _measures(model: Quality) -> dict[str, str]:
    return {"run": model.candidate.name} | {name: f"{model.measures[measure]:.4f}" for name, measure in MEASURES.items()}


def _pair(pair: Pair) -> dict[str, str]:
    return {
        "one − other": f"{pair.one} − {pair.other}",
        "accuracy": signed(pair.difference),
        "only one right": f"{pair.only_one_right:,}",
        "only other right": f"{pair.only_other_right:,}",
        "p": p_value(pair.p),
        "scores differ by": f"{pair.scores:.2g}",
    }


def _costs(model: Quality) -> dict[str, str]:
    candidate = model.candidate
    return {
        "run": candidate.name,
        "training": UNKNOWN if candidate.seconds is None else duration(candidate.seconds),
        "tokens per second": UNKNOWN if candidate.tokens_per_second is None else f"{candidate.tokens_per_second:,.0f}",
        "model.h5": size(candidate.model_bytes),
        "weights in the file": f"{candidate.parameters:,}",
    }
