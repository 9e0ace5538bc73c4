"""Raw reviews, whatever they come in, as a stream of batches."""

from sentiment.reviews.batch import Batch
from sentiment.reviews.source import Source, find_source

__all__ = ["Batch", "Source", "find_source"]
