"""The model as MLflow serves it: saved as this code beside `model.h5`, with nothing pickled and no Keras.

MLflow runs this file when it loads the model; `log` is the other side, which saves it.
"""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.models.model import ModelInfo
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

from sentiment.explaining import explain
from sentiment.scorer import Scorer

NAME = "model"
TEXT, LABEL, SCORE = "reviewText", "label", "score"
EXPLAIN, WORDS = "explain", "words"
SIGNATURE = ModelSignature(
    inputs=Schema([ColSpec(DataType.string, TEXT)]),
    outputs=Schema([ColSpec(DataType.string, LABEL), ColSpec(DataType.double, SCORE)]),
    params=ParamSchema([ParamSpec(EXPLAIN, DataType.boolean, False)]),
)
NEEDS = ("mlflow", "h5py", "numpy", "onnx", "onnxruntime", "pandas", "pyarrow")
EXAMPLE = "The movie was great. I liked it"


class ServedModel(PythonModel):
    """A column `reviewText` in, the columns `label` and `score` (P(positive)) out, a row for each row.

    With the parameter `explain` also `words`: those that carried the score, with their weights.
    """

    def load_context(self, context: PythonModelContext) -> None:
        self._scorer = Scorer(Path(context.artifacts["file"]))
        self._scorer.score([EXAMPLE])  # so that the first request is as fast as the next

    def predict(self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        texts = model_input[TEXT].tolist()
        scores = self._scorer.score(texts)
        answer: dict[str, Any] = {LABEL: [self._scorer.label(score) for score in scores], SCORE: scores.astype("float64")}
        if params and params.get(EXPLAIN):
            answer[WORDS] = [explain(self._scorer, text, float(score)) for text, score in zip(texts, scores, strict=True)]
        return pd.DataFrame(answer)


def log(model: Path) -> ModelInfo:
    """Logs the model of the active run, with the versions that it needs to be served."""
    info: ModelInfo = mlflow.pyfunc.log_model(name=NAME, **_parts(model))
    return info


def save(model: Path, folder: Path) -> None:
    """Saves the model in a folder, which is made."""
    mlflow.pyfunc.save_model(str(folder), **_parts(model))


def _parts(model: Path) -> dict[str, Any]:
    return {
        "python_model": str(Path(__file__)),
        "artifacts": {"file": str(model)},
        "code_paths": [str(Path(__file__).parent)],
        "signature": SIGNATURE,
        "input_example": pd.DataFrame({TEXT: [EXAMPLE]}),
        "pip_requirements": [f"{package}=={version(package)}" for package in NEEDS],
    }


mlflow.models.set_model(ServedModel())
