"""`make bench`: cold and warm times, DynamoDB calls, sizes and modules, each beside its budget.

Times are told, not asserted: a person judges them, on a machine that does nothing else. Every process that is
timed is an interpreter of its own on a built artifact; DynamoDB is a socket here that knows one order.
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

from orders.app import api  # noqa: E402  reads the environment
from orders.domain import paying, placing  # noqa: E402
from orders.domain.orders import Order  # noqa: E402
from orders.domain.terms import agree  # noqa: E402
from orders.tables.packing import to_row  # noqa: E402
from tests.orders.samples import ADDRESS, NOW, quote, told  # noqa: E402
from tests.packaging.artifacts import (  # noqa: E402
    FUNCTIONS,
    MB,
    RECIPES,
    environment,
    limit,
    make,
    recipe,
    zipped_size,
)

REPEATS = 7
WARM = 200
HERE = str(Path(__file__).parent)
API = "OrdersApi"
SHOPPER = customer()
ORDER_ID = "ord_01J9ZB0H3K8Q7W6E5R4T3Y2U1I"
EVENT = gateway_event(api, "GET", f"/orders/{ORDER_ID}", caller=SHOPPER)

Times = dict[str, float]


class DynamoDB(socketserver.StreamRequestHandler):
    """Answers whatever it is asked with one order of three lines; counts the questions."""

    disable_nagle_algorithm = True
    asked = 0
    answer = b""

    def handle(self) -> None:
        while self.rfile.readline().strip():
            length = 0
            while header := self.rfile.readline().strip():
                name, _, value = header.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            self.rfile.read(length)
            DynamoDB.asked += 1
            self.wfile.write(self.answer)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


def order() -> Order:
    """A paid order of three lines."""
    terms = agree(quote(user_id=SHOPPER.user_id), ADDRESS, "ada@example.com", NOW, timedelta(minutes=30))
    placed = placing.place(placing.open_order(ORDER_ID, SHOPPER.user_id, NOW), terms)
    return paying.apply_payment(placed, told(terms.total.amount, "pay_01J9ZB0H3K8Q7W6E5R4T3Y2U1I"), NOW)


def serve(item: Mapping[str, Any]) -> Server:
    """Answer on a free port of the loopback, in a thread that ends with this process."""
    body = json.dumps({"Item": item}).encode()
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\n\r\n"
    DynamoDB.answer = head.format(len(body)).encode() + body
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
    """What one process of its own measured. Exits where it fails: there is nothing to tell then."""
    request = json.dumps({"paths": paths, "handler": handler, "event": event, "warm": warm})
    command = [sys.executable, "-I", "-S", "-B", *options, f"{HERE}/process.py", request]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{handler} could not be measured:\n{done.stderr[-2000:]}")
    times: Times = json.loads(done.stdout)
    return times


def medians(runs: list[Times]) -> Times:
    return {name: statistics.median(times[name] for times in runs) for name in runs[0]}


def say(what: str, figure: float, unit: str, budget: float | None = None, note: str = "") -> None:
    """One line of the table."""
    verdict = (
        "" if budget is None else f"<= {budget:g}{unit}".ljust(12) + ("ok" if figure <= budget else "OVER")
    )
    digits = 0 if unit in {"", " ms", " us"} and figure >= 10 else 2
    print(f"  {what:<46}{figure:>9.{digits}f}{unit:<4} {verdict:<18}{note}".rstrip(), flush=True)


def progress(what: str) -> None:
    print(f"… {what}", file=sys.stderr, flush=True)


def cold_and_warm(artifact: Path, nowhere: Path) -> None:
    """GET of one order: as shipped, against botocore alone, and against the same code unpackaged."""
    server = serve(to_row(order()).serialize())
    variables = environment(API) | {
        "AWS_LAMBDA_FUNCTION_NAME": API,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_address[1]}",
    }
    shipped = [str(artifact)]
    released = sysconfig.get_path("purelib")
    unpackaged = [str(ROOT / "functions"), released]
    no_byte_code = ("-X", f"pycache_prefix={nowhere}")
    handler = FUNCTIONS[API]["Handler"]
    run(shipped, handler, variables, event=EVENT)  # the disk is warm from here on, for all alike
    ours, bare, stock, plain = [], [], [], []
    for turn in range(REPEATS):
        progress(f"cold starts, {turn + 1} of {REPEATS}")
        ours.append(run(shipped, handler, variables, event=EVENT))
        bare.append(run([*shipped, HERE], "bare.get_order", variables, event=EVENT))
        stock.append(run([released, HERE], "bare.get_order", variables, event=EVENT))
        plain.append(run(unpackaged, handler, variables, *no_byte_code, event=EVENT))
    our, raw, full, slow = medians(ours), medians(bare), medians(stock), medians(plain)
    print(f"\nGET /orders/{{order_id}}, three lines; medians of {REPEATS}")
    say("cold start: import and first request", our["cold"], " ms")
    say("  a bare handler's, our trimmed botocore", raw["cold"], " ms")
    say("  ours to it", our["cold"] / raw["cold"], "x", 1.3)
    say("  a bare handler's, botocore as released", full["cold"], " ms", note="as Lambda's runtime has it")
    say("  ours to it", our["cold"] / full["cold"], "x")
    say("  the same code without the packaging step", slow["cold"], " ms")
    say("  ours to it", our["cold"] / slow["cold"], "x", 0.35)
    say("first request after init", our["first"], " ms")
    say("  to the second", our["first"] / our["second"], "x", 5, f"the second: {our['second']:.2f} ms")

    progress(f"warm requests, {WARM} a process")
    runs: dict[str, list[Times]] = {}
    asked = 0
    measured = {
        "bare": ("bare.get_order", variables),
        "frame": ("frame.api", variables | {"LOG_LEVEL": "WARNING"}),
        "logging": ("frame.api", variables),
        "raw": ("frame.raw", variables),
    }
    for _ in range(3):
        before = DynamoDB.asked
        runs.setdefault("handler", []).append(run(shipped, handler, variables, event=EVENT, warm=WARM))
        asked = DynamoDB.asked - before
        for name, (measure, those) in measured.items():
            times = run([*shipped, HERE], measure, those, event=EVENT, warm=WARM)
            runs.setdefault(name, []).append(times)
    warm = {name: medians(times)["warm"] for name, times in runs.items()}
    print(f"\nwarm; medians of {WARM}")
    say("the frame over a raw function", (warm["logging"] - warm["raw"]) * 1000, " us", 25)
    say(
        "  of which its line in the log",
        (warm["logging"] - warm["frame"]) * 1000,
        " us",
        note="by powertools",
    )
    say("GET of the order", warm["handler"], " ms")
    say("  to raw botocore", warm["handler"] / warm["bare"], "x", 1.25)
    say("  DynamoDB calls", asked / (WARM + 2), "", 1)
    server.shutdown()
    server.server_close()


def sizes(artifacts: Mapping[tuple[str, str], Path], scratch: Path) -> None:
    """Every function of the template: its zip, and what starting it loads."""
    megabytes = {}
    for key, artifact in artifacts.items():
        progress(f"zip of {artifact.name}")
        megabytes[key] = zipped_size(artifact, scratch) / MB
    print(f"\n  {'function':<28}{'zip':>8}{'':<15}{'modules':>9}{'init':>8}")
    for name, properties in FUNCTIONS.items():
        key = recipe(name)
        times = run([str(artifacts[key])], properties["Handler"], environment(name))
        verdict = f"<= {limit(key)}  {'ok' if megabytes[key] <= limit(key) else 'OVER'}"
        size = f"{megabytes[key]:>5.2f} MB"
        print(f"  {name:<28}{size} {verdict:<14}{times['modules']:>9}{times['init']:>5.0f} ms", flush=True)


def main() -> None:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tillstack-bench-") as scratch:
        artifacts = {}
        for key, name in RECIPES.items():
            progress(f"building {name}")
            artifacts[key] = Path(scratch) / name
            make(name, artifacts[key])
        cold_and_warm(artifacts[recipe(API)], Path(scratch) / "nowhere")
        sizes(artifacts, Path(scratch))
    print(f"\n{time.monotonic() - began:.0f} s; times want an idle machine.")


if __name__ == "__main__":
    main()
