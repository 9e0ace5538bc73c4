"""Model files of Keras 1 and 2 for tests, as they are in fixtures or changed."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py

from sentiment.model import keras_1_2, model_file

FOLDER = Path(__file__).parent / "fixtures"


WORDS = FOLDER / "old-words.json"


KEPT: dict[str, Any] = json.loads((FOLDER / "old-scores.json").read_text())


LENGTH = 40


Config = dict[str, Any]


def convert(old: Path, folder: Path) -> Path:
    path = folder / "model.h5"
    model_file.write(keras_1_2.read(old, WORDS, LENGTH), path)
    return path


def rewritten(
    name: str,
    folder: Path,
    edit: Callable[[Config], None] = lambda saved: None,
    edit_weights: Callable[[h5py.Group], None] = lambda group: None,
) -> Path:
    """A copy of an old file with another configuration, or other weights."""
    path = shutil.copyfile(FOLDER / name, folder / "old.h5")
    with h5py.File(path, "r+") as file:
        saved = json.loads(file.attrs["model_config"])
        edit(saved)
        file.attrs["model_config"] = json.dumps(saved).encode()
        edit_weights(file["model_weights"])
    return path


def layers(saved: Config) -> list[Config]:
    config = saved["config"]
    return config if isinstance(config, list) else config["layers"]


def change(kind: str, **options: Any) -> Callable[[Config], None]:
    """Gives the layers of one kind these options."""

    def edit(saved: Config) -> None:
        found = [layer["config"] for layer in layers(saved) if layer["class_name"] == kind]
        assert found
        for config in found:
            config.update(options)

    return edit
