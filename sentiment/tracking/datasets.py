"""Reviews as MLflow's datasets, one for each split: by name, place, fingerprint and size. The reviews themselves stay where they are."""

import json
from pathlib import Path

import numpy as np
from mlflow.data.dataset_source_registry import resolve_dataset_source
from mlflow.entities import Dataset
from mlflow.types import ColSpec, DataType, Schema

from sentiment.preparation.prepared import Prepared
from sentiment.reviews.batch import TEST, TRAIN, VALIDATION

SPLITS = {"train": TRAIN, "validation": VALIDATION, "test": TEST}
SCHEMA = Schema([ColSpec(DataType.string, "reviewText"), ColSpec(DataType.long, "label")])
DIGITS = 12  # of a fingerprint, wherever it is shown


def split_datasets(data: Prepared, reviews: str, *splits: str) -> dict[str, Dataset]:
    """The datasets of some of SPLITS, by their names. Equal reviews in equal splits are equal datasets.

    reviews: prepare's parameter, which the data were read from.
    """
    return {split: _dataset(data, reviews, split) for split in splits}


def all_reviews(data: Prepared, path: Path) -> Dataset:
    """All that was prepared of a file."""
    return _described(path.name, data, str(path.resolve()), np.arange(len(data.labels)))


def _dataset(data: Prepared, reviews: str, split: str) -> Dataset:
    return _described(f"{Path(reviews).name} {split}", data, reviews, data.rows(SPLITS[split]))


def _described(name: str, data: Prepared, reviews: str, rows: np.ndarray) -> Dataset:
    source = resolve_dataset_source(reviews)
    profile = {"num_rows": len(rows), "positive": int((data.labels[rows] == 1).sum()), "tokens": int(data.tokens.lengths[rows].sum())}
    return Dataset(
        name,
        data.data_fingerprint[:DIGITS],
        source._get_source_type(),
        source.to_json(),
        json.dumps({"mlflow_colspec": SCHEMA.to_dict()}),
        json.dumps(profile),
    )


def of_metric(name: str) -> str | None:
    """The split that a metric was measured on, by its name: `val_auc` and `model_val_auc` on validation, `test_auc` on test."""
    words = name.split("_")
    return next((split for word, split in (("train", "train"), ("val", "validation"), ("test", "test")) if word in words), None)
