"""Whole tables of texts to tables of scores, in this process or on Spark."""
