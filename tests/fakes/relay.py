"""A server before another one on loopback, for what answers some calls itself and passes on the rest."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

Response = tuple[int, str, bytes]
"""Status, content type and body."""


class Relay(BaseHTTPRequestHandler):
    """One call. ``answer_to`` says what becomes of it; ``target`` is the host and port behind."""

    protocol_version = "HTTP/1.1"
    target: ClassVar[str]

    def relay(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found = self.answer_to(body)
        if found is None:
            self.close_connection = True
            return
        status, kind, content = found
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = relay

    def answer_to(self, body: bytes) -> Response | None:
        """``None`` breaks the connection."""
        return self.passed_on(body)

    def passed_on(self, body: bytes) -> Response:
        kept = {k: v for k, v in self.headers.items() if k.lower() not in ("connection", "host")}
        with closing(http.client.HTTPConnection(self.target, timeout=20)) as behind:
            behind.request(self.command, self.path, body, {**kept, "Host": self.headers["Host"]})
            answer = behind.getresponse()
            return answer.status, answer.getheader("Content-Type", ""), answer.read()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: tests look at what was asked."""


@contextmanager
def listening(handler: type[Relay]) -> Iterator[str]:
    """Its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
