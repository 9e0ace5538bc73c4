"""One short program for each entry point of MLproject."""
