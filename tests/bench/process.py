"""The measurement of one Lambda process: its init, its first and second request, and its warm requests.

It runs as a script. Its argument is a JSON object: the paths to import from, the handler, the event and the
number of warm requests. It prints the times in milliseconds and the body of the last response as JSON. They
are CPU times of the process, because those depend less on what else the machine does.

It calls `os.getppid`, which nothing else does, between the parts: callgrind writes the instructions that it
counted when a process enters that function (see instructions.py).
"""

import importlib
import json
import os
import statistics
import sys
from time import process_time


class Context:
    """The parts of Lambda's context that handlers use."""

    aws_request_id = "c1b7b6a0-0000-4000-8000-000000000000"
    function_name = "bench"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:eu-west-2:123456789012:function:bench"

    def get_remaining_time_in_millis(self) -> int:
        return 29_000


def main(paths: list[str], handler: str, event: dict | None, warm: int) -> None:
    sys.path[:0] = paths
    sys.stdout = open(os.devnull, "w")
    module, _, attribute = handler.rpartition(".")
    os.getppid()
    began = process_time()
    handle = getattr(importlib.import_module(module), attribute)
    measured = {"init": (process_time() - began) * 1000, "modules": len(sys.modules)}
    times = []
    response = {}
    for number in range(2 + warm if event else 0):
        began = process_time()
        response = handle(event, Context())
        times.append((process_time() - began) * 1000)
        if response["statusCode"] != 200:
            sys.exit(f"{handler} returned {response['statusCode']}: {response['body']}")
        if number < 2:
            os.getppid()
    os.getppid()
    if times:
        measured |= {"first": times[0], "second": times[1], "cold": measured["init"] + times[0]}
        measured |= {"warm": statistics.median(times[2:])} if warm else {}
    print(json.dumps({"times": measured, "body": response.get("body")}), file=sys.__stdout__, flush=True)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
