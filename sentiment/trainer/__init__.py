"""The process that trains: the only code that touches Keras.

It runs as `python -m sentiment.trainer`, started by `sentiment.training.trainer_process`, under the interpreter of one backend: for
CNTK that is Python 3.6 with Keras 2.1.6, for the others the Python and the Keras 3 of this project. So nothing here is newer
than Python 3.6, and it imports numpy, h5py, keras and the standard library alone, no other room of `sentiment`.

What the process boundary covers: the choice of backend, which Keras fixes on import; the interpreter; the number of threads;
and a crash, which is then one job's failure. What it does not: the trainer reads and writes the user's files with the
user's rights. Nothing in these files is executed: of a model file only numbers, words and plain settings are taken.
"""
