"""Sentiment models: tracked, tuned, compared, registered and served with MLflow.

Stays empty of imports: `sentiment.trainer` is started from here by interpreters that have nothing but Keras.
"""
