"""From texts to the ids that a model takes."""

from sentiment.text.vocabulary import Encoded, Encoder
from sentiment.text.words import find_words

__all__ = ["Encoded", "Encoder", "find_words"]
