"""Whether bytes are a Western European text in Windows-1252: by how it is spelled, as short texts are too few for statistics."""

import re

# Of each language, the letters beyond ASCII. Icelandic is left out: its letters are Turkish ones in Windows-1254.
ALPHABETS = [
    set(letters + letters.upper().replace("SS", ""))
    for letters in (
        "àâæçéèêëîïôœùûü",  # French
        "äöüßé",  # German
        "áéíñóúüçàèòï",  # Spanish, Catalan
        "áâãàçéêíóôõú",  # Portuguese
        "àèéìíîòóù",  # Italian
        "åäöæøéü",  # Danish, Finnish, Norwegian, Swedish
        "éëïèöüêç",  # Dutch
    )
]
NEIGHBOURS = ("cp1250", "cp1254", "cp1257")  # of Central Europe, Turkey and the Baltic
ALIKE = {
    letter for letter in set().union(*ALPHABETS) if {letter.encode("cp1252").decode(each, "replace") for each in NEIGHBOURS} == {letter}
}
MISSPELLED = re.compile("(?<![aeiouyé])[ëï]|õ(?!e)|ã(?![oes]|$)", re.IGNORECASE)  # these letters stand elsewhere in all these languages
OPENING = "“‘„‚«‹¿¡(–—…•\u00a0€£"
CLOSING = "”’»›)–—…™®©°€£²³½\u00a0"
QUOTES = "“‘„‚«‹¿¡"
INSIDE = set("’–—…°\u00a0")
ASCII_MARKS = "\"'!?.:()[]<>/*-0123456789"
SHARE = 0.95  # of the words with such letters or marks


def is_western(sample: bytes) -> bool:
    """Whether nearly all words in which a byte is over 127 are spelled as in one of these languages."""
    try:
        text = sample.decode("cp1252")
    except UnicodeDecodeError:
        return False
    words = [word for word in re.split(r"[\s,;|]+", text) if not word.isascii()]
    letters = [its for word in words if (its := _letters(word)) is not None]
    spelled = max(sum(its <= alphabet for its in letters) for alphabet in ALPHABETS)
    return bool(words) and spelled >= SHARE * len(words)


def _letters(word: str) -> set[str] | None:
    """Those that other encodings read as others; None if the word can't be one."""
    kernel = word.rstrip(CLOSING + ASCII_MARKS)
    behind, kernel = word[len(kernel) :], kernel.lstrip(OPENING + ASCII_MARKS)
    if MISSPELLED.search(kernel) or any(mark in QUOTES for mark in behind):
        return None
    return {letter for letter in kernel if not letter.isascii()} - INSIDE - ALIKE
