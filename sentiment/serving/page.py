"""A page to try the model: `python -m sentiment.serving.page` runs MLflow's scoring server, and this small one for people beside it.

The scoring server is `mlflow models serve` as ever, at its own port. This process asks it one review at a time and serves the files of
`site/`; it listens to this machine alone.
"""

import argparse
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from sentiment.errors import UserError
from sentiment.libraries import configure_libraries
from sentiment.serving import scoring_server
from sentiment.settings import CHAMPION

SITE = Path(__file__).parent / "site"
FILES = {"/": ("index.html", "text/html"), "/page.css": ("page.css", "text/css"), "/page.js": ("page.js", "text/javascript")}
HOST = "127.0.0.1"
MOST = 1_000_000  # bytes of a request
READ = 64 * MOST  # bytes of a refused request that are read and forgotten, so that its sender gets to read the answer
TIMEOUT = 60  # seconds for an answer of the scoring server
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
LOADING = "The model is being loaded."


class Page(ThreadingHTTPServer):
    """scores: the address of the scoring server. Raises UserError if the port is taken."""

    daemon_threads = True

    def __init__(self, port: int, scores: str) -> None:
        self.scores = scores
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            raise UserError(f"The page can't be served. Received: page-port={port}: {error.strerror}. Give another: PAGE_PORT=…") from None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server_port}"


class _Refused(Exception):  # noqa: N818 (an answer, not a fault)
    """An answer with another status than 200."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    server: Page
    timeout = TIMEOUT
    body_read = False
    server_version, sys_version = "sentiment", ""

    def do_GET(self) -> None:
        if self.path in FILES:
            name, kind = FILES[self.path]
            self._answer(self._local, kind, lambda: (SITE / name).read_bytes())
        elif self.path == "/about":
            self._answer(self._local, "application/json", lambda: _json({"model": self._ask("").get("model")}))
        else:
            self._answer(self._nowhere, "application/json", bytes)

    def do_POST(self) -> None:
        known = self._local if self.path == "/score" else self._nowhere
        self._answer(known, "application/json", lambda: _json(self._ask(self._text(), explain=True)))

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: texts are nobody's business, and neither is that there was one."""

    def _answer(self, check: Any, kind: str, make: Any) -> None:
        try:
            check()
            status, body = 200, make()
        except _Refused as refused:
            status, kind, body = refused.status, "application/json", _json({"error": str(refused)})
            self._forget_body()
        self.send_response(status)
        for name, value in {**HEADERS, "Content-Type": f"{kind}; charset=utf-8", "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _forget_body(self) -> None:
        """A connection that is closed on unread bytes is reset, and the answer with it."""
        length = self.headers.get("Content-Length", "")
        unread = min(int(length), READ) if length.isdecimal() and not self.body_read else 0
        while unread and (block := self.rfile.read(min(unread, 65536))):
            unread -= len(block)

    def _local(self) -> None:
        """A page of elsewhere must not ask by a name that it made lead here."""
        if self.headers.get("Host") not in (f"{HOST}:{self.server.server_port}", f"localhost:{self.server.server_port}"):
            raise _Refused(421, "This page is at 127.0.0.1 only.")

    def _nowhere(self) -> None:
        self._local()
        raise _Refused(404, "There is no such page.")

    def _text(self) -> str:
        if self.headers.get_content_type() != "application/json":
            raise _Refused(415, "Send JSON.")
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            raise _Refused(411, "Say the length.")
        if int(length) > MOST:
            raise _Refused(413, f"The review is too long: over {MOST:,} bytes.")
        self.body_read = True
        try:
            text = json.loads(self.rfile.read(int(length)))["text"]
        except (ValueError, LookupError, TypeError):
            text = None
        if not isinstance(text, str):
            raise _Refused(400, 'Send {"text": "…"}.')
        return text

    def _ask(self, text: str, explain: bool = False) -> dict[str, Any]:
        """The scoring server's answer of one text, with the model that gave it."""
        body = _json({"dataframe_records": [{"reviewText": text}], "params": {"explain": explain, "about": True}})
        request = urllib.request.Request(f"{self.server.scores}/invocations", body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                (row,) = json.loads(answer.read())["predictions"]
        except urllib.error.HTTPError as error:
            with error:
                reason = error.read(300).decode("utf-8", "replace")
            raise _Refused(502, f"The scoring server answers {error.code}: {reason}") from None
        except ConnectionRefusedError:
            raise _Refused(503, LOADING) from None
        except (OSError, ValueError, LookupError) as error:
            refused = isinstance(getattr(error, "reason", None), ConnectionRefusedError)
            raise _Refused(503, LOADING if refused else f"The scoring server does not answer: {error}") from None
        return dict(row)


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def main(arguments: Sequence[str]) -> int:
    """Serves until SIGTERM or Ctrl-C, or until the scoring server ends; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m sentiment.serving.page", description="The scoring server, and a page to try the model."
    )
    parser.add_argument("--model", default=CHAMPION, help="what is served (default %(default)s)")
    parser.add_argument("--port", type=int, default=5001, help="of the scoring server (default %(default)s)")
    parser.add_argument("--page-port", type=int, default=5002, help="of the page; 0: a free one (default %(default)s)")
    parser.add_argument("--env-manager", default="uv", help="as of mlflow models serve (default %(default)s)")
    options = parser.parse_args(arguments)
    configure_libraries()
    try:
        scoring_server.check(options.model)
        page = Page(options.page_port, f"http://{HOST}:{options.port}")
        return scoring_server.run(options.model, options.port, options.env_manager, page)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
