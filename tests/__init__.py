"""Tests; each file tests one of the rooms."""
