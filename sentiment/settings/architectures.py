"""The architectures, each a file of `sentiment/trainer/architectures`, and the parameters that are its sizes. docs/extending.md adds one."""

_NETWORKS: dict[str, tuple[str, ...]] = {
    "bilstm": ("embedding_size", "lstm_size"),
    "lstm": ("embedding_size", "lstm_size"),
    "cnn": ("embedding_size", "filters", "kernel_size", "dense_size"),
    "cnn-lstm": ("embedding_size", "filters", "kernel_size", "lstm_size"),
}
NETWORKS = tuple(_NETWORKS)
# Of the architectures whose LSTMs read the words, these layers, with which a language model can start.
LSTMS_OVER_WORDS = {"bilstm": ("lstm_forward", "lstm_backward"), "lstm": ("lstm_forward",)}
NGRAMS_ALONE = "ngrams"  # no network
SIZES = _NETWORKS | {NGRAMS_ALONE: ()}
ARCHITECTURES = tuple(SIZES)


def those_with(size: str) -> str:
    """The architectures that have a size, as help shows them: `cnn, cnn-lstm`."""
    return ", ".join(name for name, sizes in SIZES.items() if size in sizes)
