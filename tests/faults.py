"""An HTTP proxy with faults: between a command and its tracking server."""

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

NONE: list[tuple[str, str]] = []
HOP = ("connection", "transfer-encoding", "content-length", "server", "date")


class Proxy:
    """Passes requests on to a server, as long as it has no other mode.

    mode: "pass"; "cut" (closes the connection), "hang" (never answers), or the status that it answers with, such as "500".
    delay: seconds before each request is passed on; requests: the method and path of those that were.
    answers: what it answers itself, by path.
    hold: is called with the method and the path of each request first, and may wait.
    change: sets the mode before a request is passed on; it is given the method and the path.
    """

    def __init__(self, server: str) -> None:
        self.mode, self.delay = "pass", 0.0
        self.requests: list[str] = []
        self.answers: dict[str, tuple[int, str]] = {}
        self.hold: Callable[[str, str], None] = lambda method, path: None
        self.change: Callable[[str, str], None] = lambda method, path: None
        self._server = urlsplit(server)
        self._released, self._deciding = threading.Event(), threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                proxy._answer(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_any  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 128  # connections that are made at once

            def handle_error(self, request: object, client_address: object) -> None:
                pass  # clients that gave up

        self._http = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._released.set()
        self._http.shutdown()
        self._http.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = self._body(handler)
        self.hold(handler.command, handler.path)
        with self._deciding:
            self.change(handler.command, handler.path)
            mode = self.mode
        if mode == "hang":
            self._released.wait()
        if mode in ("hang", "cut"):
            handler.close_connection = True
            return
        time.sleep(self.delay)
        if handler.path in self.answers:
            status, text = self.answers[handler.path]
            headers, answer = NONE, text.encode()
        elif mode == "pass":
            self.requests.append(f"{handler.command} {handler.path}")
            status, headers, answer = self._forward(handler, body)
        else:
            status, headers, answer = int(mode), NONE, b"A fault."
        handler.send_response(status)
        for name, value in headers:
            if name.lower() not in HOP:
                handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(answer)))
        handler.end_headers()
        handler.wfile.write(answer)

    def _body(self, handler: BaseHTTPRequestHandler) -> bytes:
        if handler.headers.get("Transfer-Encoding") != "chunked":
            return handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        body = b""
        while size := int(handler.rfile.readline(), 16):
            body += handler.rfile.read(size)
            handler.rfile.readline()
        handler.rfile.readline()
        return body

    def _forward(self, handler: BaseHTTPRequestHandler, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(self._server.hostname or "", self._server.port, timeout=300)
        try:
            headers = {name: value for name, value in handler.headers.items() if name.lower() not in (*HOP, "host")}
            connection.request(handler.command, handler.path, body or None, headers)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            connection.close()


@contextmanager
def faulty(server: str) -> Iterator[Proxy]:
    """A proxy on a free port in front of the server."""
    proxy = Proxy(server)
    try:
        yield proxy
    finally:
        proxy.close()
