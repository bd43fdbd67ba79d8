"""A proxy that injects AWS faults: it throttles, fails and delays calls, and drops responses."""

import argparse
import asyncio
import json
import random
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from localstack.cloud.faults import CONTROL, NO_FAULTS, FaultRates

_SIGNED_SERVICE = re.compile(rb"Credential=[^/]+/\d+/[^/]+/([a-z0-9-]+)/aws4_request")
_ERROR_PREFIXES = {"dynamodb": "com.amazonaws.dynamodb.v20120810#", "sqs": "com.amazonaws.sqs#"}
_END = b"\r\n\r\n"


@dataclass(frozen=True)
class HttpMessage:
    """A request or response as bytes; `head` is the first line with the headers."""

    head: bytes
    body: bytes

    @property
    def is_query(self) -> bool:
        """Return whether this is AWS's query protocol: a form request with an XML response."""
        return b"application/x-www-form-urlencoded" in self.head

    @property
    def service(self) -> str | None:
        """Return the service from the request's signature; None if it is not an AWS API call."""
        found = _SIGNED_SERVICE.search(self.head)
        return found[1].decode() if found else None


class Proxy:
    """Serves connections; each has its own connection to the engine."""

    def __init__(self, upstream: str) -> None:
        self.host, self.port = urlsplit(upstream).hostname, urlsplit(upstream).port
        self.rates = {"*": NO_FAULTS}
        self.random = random.Random()  # noqa: S311  not for cryptography
        self.counts: Counter[str] = Counter()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve the requests of one connection, one after the other."""
        engine: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        try:
            while request := await _request(reader, writer):
                if request.head.split(b" ", 2)[1] == CONTROL.encode():
                    writer.write(self._control(request))
                elif fault := await self._fault(request):
                    writer.write(fault)
                else:
                    if engine is None:
                        engine = await asyncio.open_connection(self.host, self.port)
                    engine[1].write(request.head + request.body)
                    response = await _read_response(engine[0], request)
                    if self._draw(request, "lost"):
                        return
                    writer.write(response.head + response.body)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            for each in (writer, engine[1] if engine else None):
                if each:
                    each.close()

    def _control(self, request: HttpMessage) -> bytes:
        if request.body:
            settings = json.loads(request.body)
            self.rates = {service: FaultRates(**each) for service, each in settings["rates"].items()}
            if settings["seed"] is not None:
                self.random.seed(settings["seed"])
        return _response(200, "OK", json.dumps(self.counts).encode(), {})

    def _draw(self, request: HttpMessage, kind: str) -> bool:
        service = request.service
        if service is None:
            return False
        happens: bool = self.random.random() < getattr(self._rates(service), kind)
        self.counts[f"{service} {kind}"] += happens
        return happens

    def _rates(self, service: str) -> FaultRates:
        return self.rates.get(service) or self.rates["*"]

    async def _fault(self, request: HttpMessage) -> bytes | None:
        """Return the response that replaces the call, or None. Waits if the call is slow."""
        self.counts["calls"] += request.service is not None
        if self._draw(request, "slow"):
            await asyncio.sleep(self.random.uniform(0, self._rates(request.service or "").latency))
        if self._draw(request, "throttle"):
            return throttling_response(request)
        return failure_response(request) if self._draw(request, "error") else None


def throttling_response(request: HttpMessage) -> bytes:
    """Return the service's own throttling error."""
    if request.service == "lambda":
        return _error(request, 429, "TooManyRequestsException")
    if request.service == "s3":
        return _error(request, 503, "SlowDown")
    names = {"dynamodb": "ProvisionedThroughputExceededException", "sqs": "RequestThrottled"}
    usual = "Throttling" if request.is_query else "ThrottlingException"
    return _error(request, 400, names.get(request.service or "", usual))


def failure_response(request: HttpMessage) -> bytes:
    """Return the service's own internal error."""
    names = {"dynamodb": "InternalServerError", "lambda": "ServiceException", "s3": "InternalError"}
    return _error(request, 500, names.get(request.service or "", "InternalFailure"))


def _error(request: HttpMessage, status: int, code: str) -> bytes:
    detail = f"<Code>{code}</Code><Message>Injected.</Message>"
    if request.service == "s3":
        return _response(
            status, code, f"<Error>{detail}</Error>".encode(), {"Content-Type": "application/xml"}
        )
    if request.is_query:
        body = f"<ErrorResponse><Error><Type>Sender</Type>{detail}</Error></ErrorResponse>"
        return _response(status, code, body.encode(), {"Content-Type": "text/xml"})
    kind = _ERROR_PREFIXES.get(request.service or "", "") + code
    body = json.dumps({"__type": kind, "message": "Injected."})
    headers = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-ErrorType": code}
    return _response(status, code, body.encode(), headers)


def _response(status: int, reason: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}"]).encode() + _END + body


async def _request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> HttpMessage | None:
    """Return the next complete request; None if the client closed the connection."""
    try:
        head = await reader.readuntil(_END)
    except asyncio.IncompleteReadError:
        return None
    if _header(head, b"expect"):
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        head = re.sub(rb"(?i)\r\nexpect:[^\r]*", b"", head)
    return HttpMessage(head, await _body(reader, head))


async def _read_response(reader: asyncio.StreamReader, request: HttpMessage) -> HttpMessage:
    head = await reader.readuntil(_END)
    status = head.split(b" ", 2)[1]
    if request.head.startswith(b"HEAD ") or status in (b"204", b"304"):
        return HttpMessage(head, b"")
    if not _header(head, b"content-length") and not _header(head, b"transfer-encoding"):
        return HttpMessage(head, await reader.read())
    return HttpMessage(head, await _body(reader, head))


async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    if b"chunked" in _header(head, b"transfer-encoding"):
        parts = []
        while True:
            size = await reader.readuntil(b"\r\n")
            parts += [size, await reader.readexactly(int(size.partition(b";")[0], 16) + 2)]
            if int(size.partition(b";")[0], 16) == 0:
                return b"".join(parts)
    return await reader.readexactly(int(_header(head, b"content-length") or 0))


def _header(head: bytes, name: bytes) -> bytes:
    """Return a header's value in lower case, or an empty value."""
    found = re.search(rb"\r\n" + name + rb":[ \t]*([^\r]*)", head.lower())
    return found[1] if found else b""


async def _main(port: int, upstream: str) -> None:
    server = await asyncio.start_server(Proxy(upstream).serve, "127.0.0.1", port, limit=2**20)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m localstack.cloud.fault_proxy", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", required=True)
    options = parser.parse_args()
    asyncio.run(_main(options.port, options.upstream))
