"""The Python environments that have TensorFlow, CNTK, JAX and PyTorch."""
