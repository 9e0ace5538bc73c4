"""How good scores are, in figures; `sentiment.plots` draws them."""
