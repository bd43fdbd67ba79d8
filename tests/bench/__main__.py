"""`make bench`: cold and warm times, DynamoDB calls, sizes and modules, each with its budget.

The times are printed and not asserted, because they depend on the machine; run it on an idle one. Each
measured process is an interpreter of its own with a built artifact. DynamoDB is a local socket that returns
one order.
"""

import json
import socketserver
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.support import ROOT, customer, gateway_event, set_environment

set_environment()

from orders.app.api import api  # noqa: E402  reads the environment
from orders.domain import paying, placing  # noqa: E402
from orders.domain.orders import Order  # noqa: E402
from orders.domain.terms import agree  # noqa: E402
from orders.tables.packing import to_row  # noqa: E402
from tests.orders.samples import ADDRESS, NOW, payment_update, quote  # noqa: E402
from tests.packaging.artifacts import (  # noqa: E402
    FUNCTIONS,
    MB,
    RECIPES,
    build,
    environment,
    limit,
    recipe,
    zipped_size,
)

REPEATS = 7
WARM_REQUESTS = 200
HERE = str(Path(__file__).parent)
API = "OrdersApi"
SHOPPER = customer()
ORDER_ID = "ord_01J9ZB0H3K8Q7W6E5R4T3Y2U1I"
EVENT = gateway_event(api, "GET", f"/orders/{ORDER_ID}", caller=SHOPPER)

Times = dict[str, float]


class DynamoDB(socketserver.StreamRequestHandler):
    """Answer each request with one order of three lines, and count the requests."""

    disable_nagle_algorithm = True
    requests = 0
    response = b""

    def handle(self) -> None:
        while self.rfile.readline().strip():
            length = 0
            while header := self.rfile.readline().strip():
                name, _, value = header.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            self.rfile.read(length)
            DynamoDB.requests += 1
            self.wfile.write(self.response)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


def order() -> Order:
    """Return a paid order of three lines."""
    terms = agree(quote(user_id=SHOPPER.user_id), ADDRESS, "ada@example.com", NOW, timedelta(minutes=30))
    placed = placing.place(placing.open_order(ORDER_ID, SHOPPER.user_id, NOW), terms)
    return paying.apply_payment(
        placed, payment_update(terms.total.amount, "pay_01J9ZB0H3K8Q7W6E5R4T3Y2U1I"), NOW
    )


def serve(item: Mapping[str, Any]) -> Server:
    """Start the DynamoDB server on a free local port, in a thread that ends with this process."""
    body = json.dumps({"Item": item}).encode()
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\n\r\n"
    DynamoDB.response = head.format(len(body)).encode() + body
    server = Server(("127.0.0.1", 0), DynamoDB)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def run(
    paths: list[str],
    handler: str,
    variables: Mapping[str, str],
    *options: str,
    event: dict[str, Any] | None = None,
    warm: int = 0,
) -> Times:
    """Measure one process and return its times in milliseconds. Exit if it fails."""
    request = json.dumps({"paths": paths, "handler": handler, "event": event, "warm": warm})
    command = [sys.executable, "-I", "-S", "-B", *options, f"{HERE}/process.py", request]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{handler} could not be measured:\n{done.stderr[-2000:]}")
    times: Times = json.loads(done.stdout)
    return times


def medians(runs: list[Times]) -> Times:
    return {name: statistics.median(times[name] for times in runs) for name in runs[0]}


def report(label: str, figure: float, unit: str, budget: float | None = None, note: str = "") -> None:
    """Print one line of the table."""
    status = (
        "" if budget is None else f"<= {budget:g}{unit}".ljust(12) + ("ok" if figure <= budget else "OVER")
    )
    digits = 0 if unit in {"", " ms", " us"} and figure >= 10 else 2
    print(f"  {label:<46}{figure:>9.{digits}f}{unit:<4} {status:<18}{note}".rstrip(), flush=True)


def progress(activity: str) -> None:
    print(f"… {activity}", file=sys.stderr, flush=True)


def measure_times(artifact: Path, cache: Path) -> None:
    """Time GET of one order: as packaged, with botocore alone, and with the same code unpackaged."""
    server = serve(to_row(order()).serialize())
    variables = environment(API) | {
        "AWS_LAMBDA_FUNCTION_NAME": API,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_address[1]}",
    }
    packaged = [str(artifact)]
    released = sysconfig.get_path("purelib")
    unpackaged = [str(ROOT / "functions"), released]
    no_byte_code = ("-X", f"pycache_prefix={cache}")
    handler = FUNCTIONS[API]["Handler"]
    run(packaged, handler, variables, event=EVENT)  # fills the disk cache for the runs that follow
    ours, trimmed, released_botocore, plain = [], [], [], []
    for turn in range(REPEATS):
        progress(f"cold starts, {turn + 1} of {REPEATS}")
        ours.append(run(packaged, handler, variables, event=EVENT))
        trimmed.append(run([*packaged, HERE], "bare.get_order", variables, event=EVENT))
        released_botocore.append(run([released, HERE], "bare.get_order", variables, event=EVENT))
        plain.append(run(unpackaged, handler, variables, *no_byte_code, event=EVENT))
    our, raw, full, slow = map(medians, (ours, trimmed, released_botocore, plain))
    print(f"\nGET /orders/{{order_id}}, three lines; medians of {REPEATS}")
    report("cold start: import and first request", our["cold"], " ms")
    report("  bare handler, our trimmed botocore", raw["cold"], " ms")
    report("  ratio", our["cold"] / raw["cold"], "x", 1.3)
    report("  bare handler, released botocore", full["cold"], " ms", note="as in Lambda's runtime")
    report("  ratio", our["cold"] / full["cold"], "x")
    report("  the same code, not packaged", slow["cold"], " ms")
    report("  ratio", our["cold"] / slow["cold"], "x", 0.35)
    report("first request after init", our["first"], " ms")
    report(
        "  ratio to the second", our["first"] / our["second"], "x", 5, f"the second: {our['second']:.2f} ms"
    )

    progress(f"warm requests, {WARM_REQUESTS} per process")
    runs: dict[str, list[Times]] = {}
    calls = 0
    measured = {
        "bare": ("bare.get_order", variables),
        "framework": ("framework.api", variables | {"LOG_LEVEL": "WARNING"}),
        "logging": ("framework.api", variables),
        "raw": ("framework.raw", variables),
    }
    for _ in range(3):
        before = DynamoDB.requests
        runs.setdefault("handler", []).append(
            run(packaged, handler, variables, event=EVENT, warm=WARM_REQUESTS)
        )
        calls = DynamoDB.requests - before
        for name, (measured_handler, its_variables) in measured.items():
            times = run([*packaged, HERE], measured_handler, its_variables, event=EVENT, warm=WARM_REQUESTS)
            runs.setdefault(name, []).append(times)
    warm = {name: medians(times)["warm"] for name, times in runs.items()}
    print(f"\nwarm; medians of {WARM_REQUESTS}")
    report("framework, compared with a raw function", (warm["logging"] - warm["raw"]) * 1000, " us", 25)
    report(
        "  its log line",
        (warm["logging"] - warm["framework"]) * 1000,
        " us",
        note="by powertools",
    )
    report("GET of the order", warm["handler"], " ms")
    report("  ratio to raw botocore", warm["handler"] / warm["bare"], "x", 1.25)
    report("  DynamoDB calls", calls / (WARM_REQUESTS + 2), "", 1)
    server.shutdown()
    server.server_close()


def measure_sizes(artifacts: Mapping[tuple[str, str], Path], scratch: Path) -> None:
    """Print each function's zip size, imported modules and init time."""
    megabytes = {}
    for key, artifact in artifacts.items():
        progress(f"zip of {artifact.name}")
        megabytes[key] = zipped_size(artifact, scratch) / MB
    print(f"\n  {'function':<28}{'zip':>8}{'':<15}{'modules':>9}{'init':>8}")
    for name, properties in FUNCTIONS.items():
        key = recipe(name)
        times = run([str(artifacts[key])], properties["Handler"], environment(name))
        status = f"<= {limit(key)}  {'ok' if megabytes[key] <= limit(key) else 'OVER'}"
        size = f"{megabytes[key]:>5.2f} MB"
        print(f"  {name:<28}{size} {status:<14}{times['modules']:>9}{times['init']:>5.0f} ms", flush=True)


def main() -> None:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tillstack-bench-") as scratch:
        artifacts = {}
        for key, name in RECIPES.items():
            progress(f"building {name}")
            artifacts[key] = Path(scratch) / name
            build(name, artifacts[key])
        measure_times(artifacts[recipe(API)], Path(scratch) / "bytecode")
        measure_sizes(artifacts, Path(scratch))
    print(f"\n{time.monotonic() - began:.0f} s; the times are valid on an idle machine only.")


if __name__ == "__main__":
    main()
