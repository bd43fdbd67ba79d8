"""The measurement of one Lambda process: its init, its first and second request, and its warm requests.

It runs as a script. Its argument is a JSON object: the paths to import from, the handler, the event and the
number of warm requests. It prints the times in milliseconds as JSON.
"""

import importlib
import json
import os
import statistics
import sys
from time import perf_counter


class Context:
    """The parts of Lambda's context that handlers use."""

    aws_request_id = "c1b7b6a0-0000-4000-8000-000000000000"
    function_name = "bench"

    def get_remaining_time_in_millis(self) -> int:
        return 29_000


def main(paths: list[str], handler: str, event: dict | None, warm: int) -> None:
    sys.path[:0] = paths
    sys.stdout = open(os.devnull, "w")
    module, _, attribute = handler.rpartition(".")
    began = perf_counter()
    handle = getattr(importlib.import_module(module), attribute)
    measured = {"init": (perf_counter() - began) * 1000, "modules": len(sys.modules)}
    if event:
        times = []
        for _ in range(2 + warm):
            began = perf_counter()
            response = handle(event, Context())
            times.append((perf_counter() - began) * 1000)
            if response["statusCode"] != 200:
                sys.exit(f"{handler} returned {response['statusCode']}: {response['body']}")
        measured |= {"first": times[0], "second": times[1], "cold": measured["init"] + times[0]}
        measured |= {"warm": statistics.median(times[2:])} if warm else {}
    print(json.dumps(measured), file=sys.__stdout__, flush=True)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
