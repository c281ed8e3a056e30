"""A witness that logs push to: C2SP tlog-witness, `POST /add-checkpoint`. One small server without a database."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from placet.kernel import clock
from placet.kernel.errors import BadInput
from placet.ledger.witness import Cosigned, Request, Witness

_MOST_BYTES = 65_536


def witness_server(witness: Witness, host: str, port: int) -> ThreadingHTTPServer:
    """The server; the caller runs `serve_forever` in a thread and shuts it down."""

    class AddCheckpoint(BaseHTTPRequestHandler):
        timeout = 10

        def do_POST(self) -> None:
            if self.path != "/add-checkpoint":
                self._answer(404, "not here\n")
                return
            length = self.headers.get("Content-Length", "")
            if not length.isdigit() or int(length) > _MOST_BYTES:
                self._answer(413, "too long\n")
                return
            self._judge(self.rfile.read(int(length)).decode(errors="replace"))

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing: what was cosigned or refused is in the witness's folder."""

        def _judge(self, text: str) -> None:
            try:
                verdict = witness.add_checkpoint(Request.parse(text), clock.now())
            except BadInput as error:
                self._answer(400, f"{error.message}\n")
                return
            if isinstance(verdict, Cosigned):
                self._answer(200, verdict.line)
            elif verdict.body:
                self._answer(verdict.status, verdict.body, "text/x.tlog.size")
            else:
                self._answer(verdict.status, f"{verdict.reason}\n")

        def _answer(self, status: int, text: str, content_type: str = "text/plain; charset=utf-8") -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return ThreadingHTTPServer((host, port), AddCheckpoint)
