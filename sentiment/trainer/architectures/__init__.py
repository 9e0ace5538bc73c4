"""The models, each of standard Keras layers, the same for every backend. An architecture is a file here; docs/extending.md adds one.

A score must not depend on how far a review is padded. Keras's masks would do it, but take JAX and PyTorch off their fast path, and
CNTK's pooling does not know them. So padding is at the end, and is kept out by numbers: `mask`, a constant embedding, is 1 for a token
and 0 for padding. Convolutions see zeros there, as beyond the end. To what an LSTM puts out at padding -2 is added, its outputs being
within -1 and 1, before the maximum over time is taken. The backward LSTM reads the reversed tokens, a second input, also padded at the
end.
"""
