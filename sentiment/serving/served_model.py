"""The model as MLflow serves it: saved as this code beside `model.h5`, with nothing pickled and no Keras.

MLflow runs this file when it loads the model; `log` is the other side, which saves it.
"""

import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.models.model import ModelInfo
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

from sentiment.model.explanation import LONG, Budget, Explanation, Item
from sentiment.model.scorer import Scorer
from sentiment.serving import code_paths, following
from sentiment.serving.inputs import deadline, in_server, leave_values_as_they_are, slices, texts_of
from sentiment.serving.loaded import GOLDEN_SCORES, TRAINED_ON, Loaded, golden_scores, registered
from sentiment.text.spans import find_spans

NAME = "model"
TEXT, LABEL, SCORE = "reviewText", "label", "score"
EXPLAIN, WORDS, PARTS, NOTE = "explain", "words", "parts", "note"
ABOUT, MODEL = "about", "model"
APP = "mlflow.pyfunc.scoring_server.app"  # the module that `mlflow models serve` runs
MOST_SHOWN = 100_000  # characters of a text in which words are shown in their places
NO_WORDS = "no words: this is the score of an empty text"
LEFT_OUT = "not explained: that of so many texts at once would take too long; send fewer"
BY_PARTS = f"over {LONG} words: explained by parts, too"
SIGNATURE = ModelSignature(
    inputs=Schema([ColSpec(DataType.string, TEXT)]),
    outputs=Schema([ColSpec(DataType.string, LABEL), ColSpec(DataType.double, SCORE)]),
    params=ParamSchema([ParamSpec(EXPLAIN, DataType.boolean, False), ParamSpec(ABOUT, DataType.boolean, False)]),
)
NEEDS = ("mlflow", "h5py", "numpy", "onnx", "onnxruntime", "pandas", "pyarrow", "uvloop")
EXAMPLE = "The movie was great. I liked it"


class ServedModel(PythonModel):
    """A column `reviewText` in, the columns `label` and `score` (P(positive)) out, a row for each row.

    With the parameter `explain` also `words`, those that carried the score, and `parts`, the parts of a long text, with their weights;
    with `about` also `model`, which says what scored. `note` is there if there is something to say of one of the texts.

    A request is answered by one model, also while another takes its place.
    """

    def load_context(self, context: PythonModelContext) -> None:
        leave_values_as_they_are(SIGNATURE.inputs)
        file = Path(context.artifacts["file"])
        self._served = Loaded(Scorer(file), context.model_config or {}, *registered(file.parent.parent))
        self._served.scorer.score([EXAMPLE])  # so that the first request is as fast as the next
        if APP in sys.modules:
            print(f"serve: {self._served.line()}", flush=True)
            following.follow(self._served, self._replace)

    def _replace(self, new: Loaded) -> None:
        self._served = new

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame | list[dict[str, Any]]:
        """A table; to MLflow's server its rows, of which it would make them by a way that takes as long as the scores."""
        check = deadline()
        explained = bool(params and params.get(EXPLAIN))
        texts = texts_of(model_input, TEXT)
        served = self._served
        budget = Budget(served.scorer.model.encoder.settings.max_length) if explained else None
        rows = [row for part in slices(texts) for row in _rows(served.scorer, part, budget, check)]
        columns = [LABEL, SCORE, *((WORDS, PARTS) if explained else ()), *([NOTE] if any(NOTE in row for row in rows) else ())]
        if params and params.get(ABOUT):
            columns.append(MODEL)
            about = served.about()
            rows = [row | {MODEL: about} for row in rows]
        records = [{name: row.get(name, "") for name in columns} for row in rows]
        return records if in_server() else pd.DataFrame(records, columns=columns)


def _rows(scorer: Scorer, texts: list[str], budget: Budget | None, check: Callable[[], None]) -> Iterator[dict[str, Any]]:
    check()
    encoder = scorer.model.encoder
    numbers = encoder.number(texts)
    scores = scorer.score_ids(encoder.encode_numbers(numbers))
    if budget:
        budget.add(int(numbers.lengths.sum()))
    for text, words, score in zip(texts, numbers.lengths.tolist(), scores.astype("float64").tolist(), strict=True):
        row: dict[str, Any] = {LABEL: scorer.label(score), SCORE: score}
        if not words:
            row[NOTE] = NO_WORDS
        if budget and words and not budget.allows(words):
            row |= {WORDS: [], PARTS: [], NOTE: LEFT_OUT}
        elif budget:
            check()
            explanation = Explanation(scorer, text)
            row |= {WORDS: _with_spans(explanation.words(), text, scorer), PARTS: explanation.parts()}
            if row[PARTS]:
                row[NOTE] = BY_PARTS
        yield row


def _with_spans(items: list[Item], text: str, scorer: Scorer) -> list[Item]:
    """The words with `begin` and `end`, the characters of the text that they are, as far as these are known."""
    encoder = scorer.model.encoder
    spans = find_spans(text, encoder.words(text), encoder.settings) if len(text) <= MOST_SHOWN else []
    for item in items:
        span = spans[int(item["place"])] if spans else None
        if span:
            item["begin"], item["end"] = span
    return items


def log(model: Path, trained_on: str = "") -> ModelInfo:
    """Logs the model of the active run, with the versions that it needs to be served. trained_on: its reviews, as a server names them."""
    with TemporaryDirectory() as code:
        info: ModelInfo = mlflow.pyfunc.log_model(name=NAME, **_parts(model, trained_on, Path(code)))
    return info


def save(model: Path, folder: Path, trained_on: str = "") -> None:
    """Saves the model in a folder, which is made. trained_on: its reviews, as a server names them."""
    with TemporaryDirectory() as code:
        mlflow.pyfunc.save_model(str(folder), **_parts(model, trained_on, Path(code)))
    for compiled in folder.rglob("__pycache__"):  # MLflow loaded it
        shutil.rmtree(compiled)


def _parts(model: Path, trained_on: str, code: Path) -> dict[str, Any]:
    return {
        "model_config": {TRAINED_ON: trained_on, GOLDEN_SCORES: [list(pair) for pair in golden_scores(Scorer(model))]},
        "python_model": str(Path(__file__)),
        "artifacts": {"file": str(model)},
        "code_paths": [str(code_paths.copy(Path(__file__), code))],
        "signature": SIGNATURE,
        "input_example": pd.DataFrame({TEXT: [EXAMPLE]}),
        "pip_requirements": [f"{package}=={version(package)}" for package in NEEDS],
    }


mlflow.models.set_model(ServedModel())
