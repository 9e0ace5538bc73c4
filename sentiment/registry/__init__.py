"""Which model is champion: versions, aliases and the gate before them."""
