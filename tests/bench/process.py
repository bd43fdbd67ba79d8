"""One Lambda process, timed: its init, the first request, the second, the warm ones.

Run as a script in an interpreter of its own: the paths to import from, the handler, the event and the number
of warm requests come as one JSON argument; the times go out as JSON, in milliseconds.
"""

import importlib
import json
import os
import statistics
import sys
from time import perf_counter


class Context:
    """What handlers use of Lambda's context."""

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
    told = {"init": (perf_counter() - began) * 1000, "modules": len(sys.modules)}
    if event:
        times = []
        for _ in range(2 + warm):
            began = perf_counter()
            answer = handle(event, Context())
            times.append((perf_counter() - began) * 1000)
            if answer["statusCode"] != 200:
                sys.exit(f"{handler} answered {answer['statusCode']}: {answer['body']}")
        told |= {"first": times[0], "second": times[1], "cold": told["init"] + times[0]}
        told |= {"warm": statistics.median(times[2:])} if warm else {}
    print(json.dumps(told), file=sys.__stdout__, flush=True)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
