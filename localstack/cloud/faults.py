"""A proxy between the deployed functions and the engine that injects AWS faults.

It throttles, fails and delays calls, and drops the responses of calls that were carried out. Tests call the
engine directly, so their own calls are not affected.
"""

import argparse
import asyncio
import json
import random
import re
import socket
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from localstack.cloud.daemon import wait_until
from localstack.cloud.local_cloud import ROOT, STACK, Cloud, LocalCloudError

CONTROL = "/_faults"
_SIGNED_SERVICE = re.compile(rb"Credential=[^/]+/\d+/[^/]+/([a-z0-9-]+)/aws4_request")
_ERROR_PREFIXES = {"dynamodb": "com.amazonaws.dynamodb.v20120810#", "sqs": "com.amazonaws.sqs#"}
_END = b"\r\n\r\n"


@dataclass(frozen=True)
class FaultRates:
    """The probability of each fault per call.

    A `slow` call waits up to `latency` seconds. A `lost` call is carried out, but its connection is closed
    without a response.
    """

    throttle: float = 0.0
    error: float = 0.0
    lost: float = 0.0
    slow: float = 0.0
    latency: float = 0.5


NO_FAULTS = FaultRates()


class ProxyClient:
    """Sets the fault rates of a running proxy and reads its counts."""

    def __init__(self, url: str) -> None:
        self.url = url

    def set(self, default: FaultRates, seed: int | None = None, **services: FaultRates) -> None:
        """Set the rates, and others for a service that is named (`ses=FaultRates(error=1)`).

        `seed` makes the faults repeatable.
        """
        rates = {name: asdict(each) for name, each in {"*": default, **services}.items()}
        self._control({"rates": rates, "seed": seed})

    def counts(self) -> dict[str, int]:
        """Return how many faults happened, by service and kind (`dynamodb throttle`), and all `calls`."""
        found: dict[str, int] = self._control(None)
        return found

    def _control(self, body: Any) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(self.url + CONTROL, data, timeout=10) as response:
            return json.load(response)


@contextmanager
def injected(cloud: Cloud) -> Iterator[ProxyClient]:
    """Route all calls of the stack's functions through the proxy for the block. Raises LocalCloudError.

    Wait until the functions are idle before you leave the block: a running function cannot be changed.
    """
    with running(cloud.endpoint, cloud.folder / "faults.log") as faults:
        _set_endpoint(cloud, faults.url)
        try:
            yield faults
        finally:
            _set_endpoint(cloud, None)


@contextmanager
def running(upstream: str, log: Path) -> Iterator[ProxyClient]:
    """Run the proxy in front of an engine, in its own process, for the block. Raises LocalCloudError."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "localstack.cloud.faults", "--port", str(port), "--upstream", upstream]
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        if not wait_until(lambda: _listens(port), seconds=15):
            raise LocalCloudError(f"the fault proxy did not start; see {log}")
        yield ProxyClient(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _set_endpoint(cloud: Cloud, url: str | None) -> None:
    """Set AWS_ENDPOINT_URL in the stack's functions, which overrides the engine's own; None removes it.

    The functions are changed in parallel, because the engine ends a changed function's processes one by one.
    """
    client = cloud.client("lambda")

    def change(function: Mapping[str, Any]) -> None:
        old = function.get("Environment", {}).get("Variables", {})
        variables = {name: value for name, value in old.items() if name != "AWS_ENDPOINT_URL"}
        variables |= {"AWS_ENDPOINT_URL": url} if url else {}
        client.update_function_configuration(
            FunctionName=function["FunctionName"], Environment={"Variables": variables}
        )

    pages = client.get_paginator("list_functions").paginate()
    functions = [each for page in pages for each in page["Functions"] if _in_stack(each)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(change, functions))


def _in_stack(function: Mapping[str, Any]) -> bool:
    return str(function["FunctionName"]).startswith(STACK)


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
    parser = argparse.ArgumentParser(prog="python -m localstack.cloud.faults", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", required=True)
    options = parser.parse_args()
    asyncio.run(_main(options.port, options.upstream))
