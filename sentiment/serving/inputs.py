"""What a request to the served model holds: its texts, or what is wrong with them, the same in every form that MLflow takes."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
from mlflow.environment_variables import MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST, DEADLINE_EXCEEDED
from mlflow.types import Schema

SERVER = "mlflow.pyfunc.scoring_server"
SERVING = "_MLFLOW_IS_IN_SERVING_ENVIRONMENT"  # an environment variable that MLflow's server sets
SLICE_TEXTS, SLICE_CHARACTERS = 1000, 1 << 20  # scored at a time


def texts_of(table: pd.DataFrame, column: str) -> list[str]:
    """The texts of a column.

    Raises:
        MlflowException: One is not text; the server answers with status 400.
    """
    values = table[column].tolist()
    for row, value in enumerate(values, 1):
        if not isinstance(value, str):
            received = f"Received: row {row}, column {column}: {_shown(value)}."
            raise MlflowException(f"A text is not a string. {received} Send strings; an empty one has a score too.", error_code=BAD_REQUEST)
    return values


def _shown(value: Any) -> str:
    return "null" if value is None or value != value else f"{type(value).__name__} {value!r:.60}"


def slices(texts: list[str]) -> Iterator[list[str]]:
    """The texts in their order, some at a time: those of a large request one after the other take the memory of one."""
    part: list[str] = []
    size = 0
    for text in texts:
        if part and (len(part) == SLICE_TEXTS or size + len(text) > SLICE_CHARACTERS):
            yield part
            part, size = [], 0
        part.append(text)
        size += len(text)
    yield part


def in_server() -> bool:
    """Whether what asks is MLflow's scoring server."""
    return SERVING in os.environ


def deadline() -> Callable[[], None]:
    """What raises MlflowException as soon as MLflow's server has given this request up, which would go on in its thread all the same."""
    if not in_server():
        return lambda: None
    limit = float(MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT.get())  # type: ignore[no-untyped-call]
    until = time.monotonic() + limit

    def check() -> None:
        if time.monotonic() > until:
            raise MlflowException(f"The request took longer than the server's limit of {limit:g} seconds.", error_code=DEADLINE_EXCEEDED)

    return check


def leave_values_as_they_are(ours: Schema) -> None:
    """Has MLflow's server give the model the values of `inputs` and `instances` as they came, where the schema is ours.

    By itself it makes an array of text of them: null becomes "None" and 5 "5", and each row takes the memory of the longest. There
    is no setting for that, so the function that does it is wrapped.
    """
    server = sys.modules.get(SERVER)
    parse = getattr(server, "parse_tf_serving_input", None)
    if parse is None or hasattr(parse, "__wrapped__"):
        return

    def parse_as_it_is(data: dict[str, Any], schema: Schema | None = None) -> Any:
        if schema != ours or len(data) != 1:
            return parse(data, schema=schema)
        (values,) = data.values()
        (column,) = ours.input_names()
        return _table(values, str(column))

    parse_as_it_is.__wrapped__ = parse  # type: ignore[attr-defined]
    server.parse_tf_serving_input = parse_as_it_is  # type: ignore[union-attr]


def _table(values: Any, column: str) -> pd.DataFrame:
    """From a list of records, a column or several by name, a list of texts, or a text."""
    if isinstance(values, list) and values and all(isinstance(value, dict) for value in values):
        there = any(column in value for value in values)
        values = {column: [value.get(column) for value in values]} if there else values[0]
    if isinstance(values, dict):
        if column not in values:
            received = ", ".join(map(str, values))[:200] or "none"
            raise MlflowException(f"The column {column} is missing. Received: {received}. Name it so.", error_code=BAD_REQUEST)
        values = values[column]
    return pd.DataFrame({column: pd.Series(values if isinstance(values, list) else [values], dtype=object)})
