"""What the ordinary way to train costs: Keras `fit` on reviews padded to one length. Run in a backend's own interpreter.

`python -m benchmarks.plain_fit prepared.h5 SETTINGS.json CORES...` prints real tokens per second of the second epoch. Valid Python 3.6.
"""

import json
import os
import sys
import time
from typing import Any, Dict, List


def main(path: str, settings: Dict[str, Any], cores: List[int]) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    import keras
    import numpy as np

    from sentiment.trainer import batches, files, framework
    from sentiment.trainer.architectures.network import Network
    from sentiment.trainer.batches import PaddedBatch

    framework.fix_threads()
    framework.lstm = lambda: keras.layers.LSTM
    framework.start_over(1)
    reviews = files.read_prepared(path, files.TRAIN)
    network = Network(settings, files.count_ids(path))
    shape = int(settings["max_length"]), 0
    model = network.trained(shape)
    framework.compile_model(model, keras.optimizers.Adam(settings["learning_rate"]))
    count = min(len(reviews.labels), settings["reviews"])
    arrays = batches.padded(reviews, PaddedBatch(np.arange(count), shape), count, network.network_inputs)
    seconds = []
    for _ in range(2):  # the first compiles
        begun = time.perf_counter()
        model.fit(arrays, reviews.labels[:count], batch_size=settings["batch_size"], epochs=1, verbose=0)
        seconds.append(time.perf_counter() - begun)
    print(json.dumps({"tokens_per_second": int(reviews.tokens.offsets[count]) / seconds[-1]}))


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]), [int(core) for core in sys.argv[3:]])
