"""How good scores are, in figures and in plots."""
