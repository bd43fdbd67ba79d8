"""The emulator's HTTP server, with one log line per request."""

import ipaddress
import json
import logging
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from localstack.stripe import ids, pages
from localstack.stripe.api import Request
from localstack.stripe.emulator import Emulator
from localstack.stripe.errors import StripeError
from localstack.stripe.idempotency import Response
from localstack.stripe.parameters import API_VERSION

log = logging.getLogger(__name__)
_MAX_BODY = 1_000_000


class LocalStripe:
    """A local Stripe on its own port; `with LocalStripe() as stripe:` serves it at `stripe.url`.

    Port 0 means any free port. `state` is a folder, or None to keep the state in memory. Raises OSError if
    the port is in use.
    """

    def __init__(self, port: int = 0, state: Path | None = None, host: str = "127.0.0.1") -> None:
        self._server = _Server((host, port), _Handler)
        try:
            self.emulator = self._server.emulator = Emulator(state)
        except BaseException:
            self._server.server_close()
            raise
        self.url = f"http://{host}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self.emulator.start(self.url)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.emulator.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # keep-alive connections must not delay the shutdown
    request_queue_size = 128
    emulator: Emulator


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "local-stripe"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 120
    server: _Server

    def _serve(self) -> None:
        started = time.monotonic()
        path = urlsplit(self.path).path
        request_id = "-"
        status = 0  # logged as "dropped"
        try:
            body = self._body()
            if body is None:
                status = self._send(
                    413, b'{"error":{"message":"The body needs a Content-Length of at most 1000000."}}'
                )
            elif path.startswith("/_emulator/"):
                status = self._control(path, body)
            else:
                request = self._request(path, body)
                request_id = request.id
                status = self._respond(request)
        except ConnectionError:
            status = self._drop()  # the client closed the connection
        except Exception:
            log.exception("%s %s", self.command, path)
            error = StripeError(500, "The local Stripe failed. Its log has the traceback.", kind="api_error")
            status = self._send(500, _dump(error.body()))
        duration = (time.monotonic() - started) * 1000
        # The URL of an authentication page works like a password, so it is not logged.
        logged_path = "/_pages/…" if path.startswith("/_pages/") else path
        log.info("%s %s %s %.0fms %s", self.command, logged_path, status or "dropped", duration, request_id)

    do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = _serve

    def do_OPTIONS(self) -> None:
        """Answer a browser's CORS preflight."""
        self._send(
            204,
            b"",
            {
                "Access-Control-Allow-Methods": "GET, POST",
                "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key",
            },
        )

    def _body(self) -> str | None:
        """Return the body as text, or None if it is too large or has no length."""
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > _MAX_BODY or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            return None
        return self.rfile.read(int(length)).decode("utf-8", "replace")

    def _request(self, path: str, body: str) -> Request:
        host = self.headers.get("Host") or f"127.0.0.1:{self.server.server_port}"
        return Request(
            method=self.command,
            path=path,
            text=urlsplit(self.path).query if self.command in ("GET", "DELETE") else body,
            headers={name.lower(): value for name, value in self.headers.items()},
            base_url=f"http://{host}",
            id=ids.new("req"),
        )

    def _respond(self, request: Request) -> int:
        emulator = self.server.emulator
        fault = emulator.faults.take(request.method, request.path)
        override = emulator.apply_fault(fault)
        drops = fault is not None and fault.drop_after
        if pages.owns(request.path) and override is None:
            page = emulator.show_page(request)
            if drops:
                return self._drop()
            headers = {
                "Content-Type": "text/html; charset=utf-8",
                "Content-Security-Policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'",
                "Referrer-Policy": "no-referrer",
            }
            if page.location:
                headers["Location"] = page.location
            return self._send(page.status, page.text.encode(), headers)
        kept = fault is not None and fault.kept
        response = emulator.respond(request, override) if kept or override is None else override
        if drops:
            return self._drop()
        headers = {"Request-Id": request.id, "Stripe-Version": API_VERSION}
        if key := request.headers.get("idempotency-key"):
            headers["Idempotency-Key"] = key
        if response.replay_of:
            headers |= {"Idempotent-Replayed": "true", "Original-Request": response.replay_of}
        return self._send(response.status, _dump(response.body), headers)

    def _drop(self) -> int:
        """Close the connection without a response."""
        self.close_connection = True
        return 0

    def _control(self, path: str, body: str) -> int:
        """Serve the control plane. It needs no key, so web pages and other machines are rejected."""
        if not ipaddress.ip_address(self.client_address[0]).is_loopback or self.headers.get("Origin"):
            error = StripeError(403, "Only programs on this machine may call the control plane.")
            response = Response(403, error.body())
        else:
            name = path.removeprefix("/_emulator/")
            response = self.server.emulator.control(self.command, name, body)
        return self._send(response.status, _dump(response.body))

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> int:
        self.send_response(status)
        logged_path = {
            "Content-Type": "application/json",
            "Access-Control-Allow-Origin": "*",
            **(headers or {}),
        }
        for name, value in logged_path.items():
            self.send_header(name, value.replace("\r", "").replace("\n", ""))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return status

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the base class would log queries, which contain client secrets."""


def _dump(body: Any) -> bytes:
    return json.dumps(body, indent=2).encode() + b"\n"
