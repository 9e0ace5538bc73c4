"""The LSTM layer as it is trained on a CPU: Keras's weights and outputs, faster steps through time.

`layer.py` is the layer, `steps.py` the steps, and `on_….py` puts these among the operations of one framework.
"""
