"""JSON lines between the trainer and the process that started it."""

import json
import os
import sys
import time
from typing import Any, Dict, Iterator

PROGRESS_EVERY = 0.2  # seconds between two signs of progress


class Channel:
    """Jobs come in on standard input, events go out on what was standard output.

    Keras and its backends print to standard output, CNTK even from C++; so that goes to standard error from here on.
    """

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        sys.stdout = sys.stderr
        self._progress_sent = 0.0

    def send(self, event: str, **content: Any) -> None:
        self._out.write(json.dumps(dict(content, event=event)) + "\n")
        self._out.flush()

    def progress(self, tokens: int, of: int) -> None:
        """Says how many tokens of an epoch are done, now and then."""
        if time.perf_counter() - self._progress_sent > PROGRESS_EVERY:
            self._progress_sent = time.perf_counter()
            self.send("progress", tokens=tokens, of=of)

    def receive(self) -> Dict[str, Any]:
        """The next line from the other side. Raises EOFError when there is no other side any more."""
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        message: Dict[str, Any] = json.loads(line)
        return message

    def ask(self, event: str, **content: Any) -> Dict[str, Any]:
        """Sends an event that wants an answer, and waits for it."""
        self.send(event, **content)
        return self.receive()

    def jobs(self) -> Iterator[Dict[str, Any]]:
        while True:
            try:
                yield self.receive()
            except EOFError:
                return
