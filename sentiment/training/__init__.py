"""The driver's side of a training: the trainer's process, early stopping, the n-grams beside the network."""
