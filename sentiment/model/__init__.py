"""The model: its file, its scores, its explanations; without Keras."""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # ONNX Runtime asks at its import whether it may report its use to its makers
