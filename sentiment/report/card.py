"""What the model card says: how a model is used, and the figures of what to be careful about."""

import os
from typing import Any

from sentiment import tracking
from sentiment.report.facts import Facts
from sentiment.tracking import commands

EXAMPLE = "The movie was great. I liked it"
PORT = 5001
SURE = 0.1  # from the threshold, within which a score says little
SMALL = 1000  # test reviews: fewer leave the accuracy unsure by some points


def usage(facts: Facts) -> list[tuple[str, str]]:
    """What one may want to do, each with the commands for it."""
    version = facts.registered.get("model_version")  # not the alias, which another version may have when this is read
    address = f"models:/sentiment/{version}" if version else f"runs:/{facts.train_run_id}/model"
    request = f"""curl -s http://127.0.0.1:{PORT}/invocations -H 'Content-Type: application/json' \\
    -d '{{"dataframe_records": [{{"reviewText": "{EXAMPLE}"}}]}}'"""
    return [
        ("Serve it over HTTP", f"mlflow models serve -m {address} --env-manager uv -p {PORT}"),
        ("Ask it, from another terminal", request),
        ("Score a table of texts", commands.entry_point("score", input="texts.csv", model=facts.train_run_id)),
        ("Have the file", f"mlflow artifacts download --run-id {facts.train_run_id} --artifact-path model.h5 --dst-path ."),
    ]


def environment() -> str:
    """What is to be said before these commands."""
    tracked = f"\nexport MLFLOW_TRACKING_URI={tracking.redacted_uri()}" if os.environ.get("MLFLOW_TRACKING_URI") else ""
    return f"source .venv/bin/activate{tracked}"


def cautions(facts: Facts) -> dict[str, Any]:
    """What `cautions.html.jinja` asks for."""
    near = abs(facts.test.scores - facts.test.threshold) < SURE
    right = facts.test.right
    return {
        "reviews": facts.reviews,
        "small": SMALL,
        "uses": facts.registered.get("test_split_uses"),
        "threshold": f"{facts.test.threshold:.4g}",
        "sure": SURE,
        "near": int(near.sum()),
        "near_right": float(right[near].mean()) if near.any() else 0.0,
        "error": facts.evaluated.metrics["test_ece"],
        "unknown": facts.unknown_words(),
        "longest": facts.preparation["max_length"],
        "cut": facts.cut(),
    }
