"""What the project adds to MLflow itself where it is installed, as `make` does.

It imports nothing of `sentiment`: a served model brings its own.
"""
