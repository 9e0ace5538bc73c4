"""Pairs of texts that any model of films, in English, tells apart: the first positive, the second negative."""

Pair = tuple[str, str]

BUILT_IN: tuple[Pair, ...] = (
    ("A wonderful film. I loved it.", "A terrible film. I hated it."),
    ("Great story, brilliant and moving.", "Awful story, boring and dull."),
    ("Excellent. One of the best films of the year.", "Dreadful. One of the worst films of the year."),
    ("Funny, warm and beautiful.", "A disappointing, stupid mess."),
)
