"""AWS faults between the deployed functions and the engine: their rates, and how to inject them.

Tests call the engine directly, so their own calls are not affected.
"""

import json
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from localstack.cloud.daemon import wait_until
from localstack.cloud.local_cloud import ROOT, STACK, Cloud, LocalCloudError

CONTROL = "/_faults"


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
    command = [
        sys.executable,
        "-m",
        "localstack.cloud.fault_proxy",
        "--port",
        str(port),
        "--upstream",
        upstream,
    ]
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
