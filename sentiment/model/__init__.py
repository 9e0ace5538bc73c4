"""The model: its file, its scores, its explanations; without Keras."""
