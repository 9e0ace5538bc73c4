"""Pages for people: the report of a model, which is its card, and the trials of a search. Each is one file, without scripts."""
