"""Whether bytes are a Western European text in Windows-1252: by its letters, as short texts are too few for statistics."""

# Of each language, the letters beyond ASCII. Icelandic is left out: its letters are Turkish ones of Windows-1254.
ALPHABETS = [
    set(letters + letters.upper().replace("SS", ""))
    for letters in (
        "àâæçéèêëîïôœùûü",  # French
        "äöüßé",  # German
        "áéíñóúüçàèòï",  # Spanish, Catalan
        "áâãàçéêíóôõú",  # Portuguese
        "àèéìíîòóù",  # Italian
        "åäöæøéü",  # Danish, Finnish, Norwegian, Swedish
        "éëïèöüáóíêç",  # Dutch
    )
]
OPENING = "“‘„‚«‹¿¡(–—…•\u00a0€£"
CLOSING = "”’»›)–—…™®©°€£²³½\u00a0"
INSIDE = "’–—…°\u00a0"
SHARE = 0.95  # of the words with such letters or marks


def is_western(sample: bytes) -> bool:
    """Whether nearly all words in which a byte is over 127 are spelled as in some Western language."""
    try:
        text = sample.decode("cp1252")
    except UnicodeDecodeError:
        return False
    words = [word for word in text.replace(",", " ").replace("|", " ").replace(";", " ").split() if not word.isascii()]
    return bool(words) and sum(map(_is_spelled, words)) >= SHARE * len(words)


def _is_spelled(word: str) -> bool:
    ascii_marks = "\"'!?.:()[]<>/*-0123456789"
    kernel = word.lstrip(OPENING + ascii_marks).rstrip(CLOSING + ascii_marks)
    if any(mark in "“‘„‚«‹¿¡" for mark in word[len(word.rstrip(CLOSING + ascii_marks)) :]):
        return False
    letters = {letter for letter in kernel if not letter.isascii()} - set(INSIDE)
    return any(letters <= alphabet for alphabet in ALPHABETS)
