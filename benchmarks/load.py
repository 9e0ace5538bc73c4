"""The served model under load: 32 clients for a minute, with texts of mixed lengths, some of them to be explained.

No request may fail, every score has to be the one that the text gets by itself, and the server's memory at the end is compared with that
after five seconds: a server that keeps something of each request shows here.
"""

import http.client
import itertools
import json
import os
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.report import Row
from benchmarks.scoring import make_model
from benchmarks.serving import Server, served
from sentiment import tracking
from sentiment.libraries import configure_libraries
from sentiment.model.scorer import Scorer
from sentiment.serving import served_model
from sentiment.settings import PrepareSettings

CLIENTS, SECONDS, SETTLED = 32, 60.0, 5.0
ALLOWED = 1e-6
LENGTHS = (0, 1, 5, 20, 60, 200, 400, 1000, 5000)  # words of the texts
TEXTS = 200
EXPLAINED = 10  # every so many-th request is explained
COMMAND = "python -m benchmarks load"


@dataclass
class Client:
    """What one client saw. seconds: of each request; difference: the largest between a score and the text's own."""

    seconds: list[float] = field(default_factory=list)
    texts: int = 0
    difference: float = 0.0
    error: str = ""


def texts_of(scorer: Scorer) -> list[str]:
    """Drawn from the model's vocabulary, of all LENGTHS."""
    random = np.random.default_rng(0)
    return [" ".join(random.choice(scorer.model.encoder.vocabulary, length)) for length, _ in zip(itertools.cycle(LENGTHS), range(TEXTS))]


def ask(client: Client, port: int, texts: list[str], scores: np.ndarray, seed: int, until: float) -> None:
    """Requests of one to eight texts, one after the other, until the time is over or one fails."""
    random = np.random.default_rng(seed)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    for number in itertools.count(1):
        if time.perf_counter() > until:
            break
        rows = random.integers(0, len(texts), random.integers(1, 9))
        content = {"dataframe_records": [{"reviewText": texts[row]} for row in rows], "params": {"explain": number % EXPLAINED == 0}}
        begun = time.perf_counter()
        try:
            connection.request("POST", "/invocations", json.dumps(content), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"status {answer.status}: {body[:300].decode()}")
            found = np.array([each["score"] for each in json.loads(body)["predictions"]])
        except Exception as error:
            client.error = f"{type(error).__name__}: {error}"
            break
        client.seconds.append(time.perf_counter() - begun)
        client.texts += len(rows)
        client.difference = max(client.difference, float(np.abs(found - scores[rows]).max()))
    connection.close()


def memory(server: Server) -> int:
    """Bytes that the server's processes hold."""
    pages = 0
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                if os.getpgid(int(process.name)) == server.group:
                    pages += int((process / "statm").read_text().split()[1])
            except OSError:  # it has ended
                continue
    return pages * os.sysconf("SC_PAGE_SIZE")


def rows(settings: PrepareSettings, seconds: float = SECONDS) -> list[Row]:
    """With a model of the default architecture, sizes and n-grams, made on the bundled reviews.

    Raises:
        RuntimeError: A request failed, or a score was another.
    """
    configure_libraries()
    tracking.check_server()
    with tempfile.TemporaryDirectory() as folder:
        path = make_model(settings, Path(folder))
        served_model.save(path, Path(folder) / "served")
        scorer = Scorer(path)
        texts = texts_of(scorer)
        alone = np.concatenate([scorer.score([text]) for text in texts])
        with served(Path(folder) / "served") as server:
            clients = [Client() for _ in range(CLIENTS)]
            begun = time.perf_counter()
            threads = [
                threading.Thread(target=ask, args=(client, server.port, texts, alone, seed, begun + seconds))
                for seed, client in enumerate(clients)
            ]
            for thread in threads:
                thread.start()
            time.sleep(min(SETTLED, seconds / 2))
            settled = memory(server)
            for thread in threads:
                thread.join()
            ended = memory(server)
    errors = [client.error for client in clients if client.error]
    difference = max(client.difference for client in clients)
    if errors or difference > ALLOWED:
        raise RuntimeError(f"{len(errors)} clients failed: {errors[:3]}; scores differ by up to {difference:.1e}")
    taken = np.concatenate([client.seconds for client in clients])
    half, most = (1000 * np.percentile(taken, part) for part in (50, 99))
    measured = (
        f"{ended >> 20} and {settled >> 20} MB; {CLIENTS} clients, {seconds:.0f} s, {len(taken):,} requests with "
        f"{sum(client.texts for client in clients):,} texts of 0 to {max(LENGTHS):,} words, every tenth explained: no error, scores as "
        f"alone to {ALLOWED:.0e}, median {half:.0f} ms, 99th percentile {most:.0f} ms"
    )
    what = "memory of the server under load, at the end (less is better)"
    return [Row(what, f"after {SETTLED:.0f} s", ended / settled, measured, COMMAND)]
