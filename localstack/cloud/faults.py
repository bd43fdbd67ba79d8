"""A bad day at AWS: a proxy between deployed functions and the engine that throttles, fails, delays, and
loses answers to calls that were carried out; whoever tests reads the engine itself and is spared."""

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
_SCOPE = re.compile(rb"Credential=[^/]+/\d+/[^/]+/([a-z0-9-]+)/aws4_request")
_PREFIX = {"dynamodb": "com.amazonaws.dynamodb.v20120810#", "sqs": "com.amazonaws.sqs#"}
_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Weather:
    """How often what happens to a call, each a probability; all 0 is a fine day. `slow` calls wait up to
    `latency` seconds; `lost` ones are carried out, and their connection ends without an answer."""

    throttle: float = 0.0
    error: float = 0.0
    lost: float = 0.0
    slow: float = 0.0
    latency: float = 0.5


FINE = Weather()


class Faults:
    """The proxy as functions are made to see it; made by `between`."""

    def __init__(self, url: str) -> None:
        self.url = url

    def set(self, everywhere: Weather, seed: int | None = None, **services: Weather) -> None:
        """From now on; a service that is named (`ses=Weather(error=1)`) has its own. `seed` starts the draws
        anew."""
        weather = {name: asdict(each) for name, each in {"*": everywhere, **services}.items()}
        self._control({"weather": weather, "seed": seed})

    def counts(self) -> dict[str, int]:
        """What was done so far: `dynamodb throttle` → how often; `calls` is all that passed."""
        found: dict[str, int] = self._control(None)
        return found

    def _control(self, body: Any) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(self.url + CONTROL, data, timeout=10) as answer:
            return json.load(answer)


@contextmanager
def between(cloud: Cloud) -> Iterator[Faults]:
    """Have every function of the cloud's stack talk to the engine through the proxy, until the block ends.

    A function's own AWS_ENDPOINT_URL wins over the engine's; it knows nothing of it. Let all come to rest
    before the block ends: a function is not changed while it runs. Raises LocalCloudError.
    """
    with started(cloud.endpoint, cloud.folder / "faults.log") as faults:
        _point(cloud, faults.url)
        try:
            yield faults
        finally:
            _point(cloud, None)


@contextmanager
def started(upstream: str, log: Path) -> Iterator[Faults]:
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
        yield Faults(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _point(cloud: Cloud, url: str | None) -> None:
    """Have the stack's functions find AWS there; None: where the engine says.

    Side by side: the engine ends a changed function's processes first, and waits for each.
    """
    client = cloud.client("lambda")

    def change(function: Mapping[str, Any]) -> None:
        known = function.get("Environment", {}).get("Variables", {})
        variables = {name: value for name, value in known.items() if name != "AWS_ENDPOINT_URL"}
        variables |= {"AWS_ENDPOINT_URL": url} if url else {}
        client.update_function_configuration(
            FunctionName=function["FunctionName"], Environment={"Variables": variables}
        )

    pages = client.get_paginator("list_functions").paginate()
    functions = [each for page in pages for each in page["Functions"] if _is_ours(each)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(change, functions))


def _is_ours(function: Mapping[str, Any]) -> bool:
    return str(function["FunctionName"]).startswith(STACK)


@dataclass(frozen=True)
class Message:
    """A request or an answer as it is on the wire: its first line and headers, its body."""

    head: bytes
    body: bytes

    @property
    def is_query(self) -> bool:
        """Whether it speaks AWS's older protocol, a form that is answered in XML."""
        return b"application/x-www-form-urlencoded" in self.head

    @property
    def service(self) -> str | None:
        """Whom it is for: signatures say so; None for what is no call of AWS's API."""
        found = _SCOPE.search(self.head)
        return found[1].decode() if found else None


class Proxy:
    """One engine, one weather, any number of connections; each has one of its own to the engine."""

    def __init__(self, upstream: str) -> None:
        self.host, self.port = urlsplit(upstream).hostname, urlsplit(upstream).port
        self.weather = {"*": FINE}
        self.chance = random.Random()  # noqa: S311  no secret
        self.counts: Counter[str] = Counter()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection's requests, one after the other."""
        engine: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        try:
            while request := await _request(reader, writer):
                if request.head.split(b" ", 2)[1] == CONTROL.encode():
                    writer.write(self._controlled(request))
                elif fault := await self._fault(request):
                    writer.write(fault)
                else:
                    if engine is None:
                        engine = await asyncio.open_connection(self.host, self.port)
                    engine[1].write(request.head + request.body)
                    answer = await _answer(engine[0], request)
                    if self._draw(request, "lost"):
                        return
                    writer.write(answer.head + answer.body)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            for each in (writer, engine[1] if engine else None):
                if each:
                    each.close()

    def _controlled(self, request: Message) -> bytes:
        if request.body:
            asked = json.loads(request.body)
            self.weather = {service: Weather(**each) for service, each in asked["weather"].items()}
            if asked["seed"] is not None:
                self.chance.seed(asked["seed"])
        return _response(200, "OK", json.dumps(self.counts).encode(), {})

    def _draw(self, request: Message, kind: str) -> bool:
        service = request.service
        if service is None:
            return False
        happens: bool = self.chance.random() < getattr(self._over(service), kind)
        self.counts[f"{service} {kind}"] += happens
        return happens

    def _over(self, service: str) -> Weather:
        return self.weather.get(service) or self.weather["*"]

    async def _fault(self, request: Message) -> bytes | None:
        """What the engine's answer is replaced by, before it is asked."""
        self.counts["calls"] += request.service is not None
        if self._draw(request, "slow"):
            await asyncio.sleep(self.chance.uniform(0, self._over(request.service or "").latency))
        if self._draw(request, "throttle"):
            return throttled(request)
        return failed(request) if self._draw(request, "error") else None


def throttled(request: Message) -> bytes:
    """As each service says that it is too much, by its own reference of errors."""
    if request.service == "lambda":
        return _error(request, 429, "TooManyRequestsException")
    if request.service == "s3":
        return _error(request, 503, "SlowDown")
    names = {"dynamodb": "ProvisionedThroughputExceededException", "sqs": "RequestThrottled"}
    usual = "Throttling" if request.is_query else "ThrottlingException"
    return _error(request, 400, names.get(request.service or "", usual))


def failed(request: Message) -> bytes:
    """As the service says that it is its own fault."""
    names = {"dynamodb": "InternalServerError", "lambda": "ServiceException", "s3": "InternalError"}
    return _error(request, 500, names.get(request.service or "", "InternalFailure"))


def _error(request: Message, status: int, code: str) -> bytes:
    said = f"<Code>{code}</Code><Message>Injected.</Message>"
    if request.service == "s3":
        return _response(status, code, f"<Error>{said}</Error>".encode(), {"Content-Type": "application/xml"})
    if request.is_query:
        body = f"<ErrorResponse><Error><Type>Sender</Type>{said}</Error></ErrorResponse>"
        return _response(status, code, body.encode(), {"Content-Type": "text/xml"})
    kind = _PREFIX.get(request.service or "", "") + code
    body = json.dumps({"__type": kind, "message": "Injected."})
    headers = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-ErrorType": code}
    return _response(status, code, body.encode(), headers)


def _response(status: int, reason: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}"]).encode() + _END + body


async def _request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Message | None:
    """The next request whole; None where the client is done."""
    try:
        head = await reader.readuntil(_END)
    except asyncio.IncompleteReadError:
        return None
    if _header(head, b"expect"):
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        head = re.sub(rb"(?i)\r\nexpect:[^\r]*", b"", head)
    return Message(head, await _body(reader, head))


async def _answer(reader: asyncio.StreamReader, request: Message) -> Message:
    head = await reader.readuntil(_END)
    status = head.split(b" ", 2)[1]
    if request.head.startswith(b"HEAD ") or status in (b"204", b"304"):
        return Message(head, b"")
    if not _header(head, b"content-length") and not _header(head, b"transfer-encoding"):
        return Message(head, await reader.read())
    return Message(head, await _body(reader, head))


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
    """A header's value in small letters, empty where there is none."""
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
