"""Pictures, in one style: of reviews, of a training, of scores, of a search, of a drift."""
