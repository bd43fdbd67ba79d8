"""`make bench`: times and instructions of one API function, DynamoDB calls, sizes and modules, with budgets.

Times are CPU times and still depend on the machine; run it on an idle one. A ratio is the median of the
ratios of rounds; a round runs every process once. Instructions hardly vary, so they are counted once, and CI
asserts them.
"""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import package
from tests.support import set_environment

set_environment()

from tests.bench import budgets, stub, variants  # noqa: E402  they read the environment
from tests.bench.processes import (  # noqa: E402
    MISSING,
    Instructions,
    MeasurementError,
    Times,
    Variant,
    body,
    can_count,
    count,
    measure,
)
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

ROUNDS = 7
WARM_REQUESTS = 200
COUNTED_REQUESTS = 10  # warm requests; callgrind is about 50 times as slow as the processor
MILLION = 10**6

Round = Mapping[str, Times]

# What is measured → its name in the report.
LABELS = {
    "ours": "ours, as packaged",
    "trimmed": "bare handler, our trimmed botocore",
    "released": "bare handler, botocore as released",
    "unpackaged": "ours without the packaging step",
    "alternative": "Powertools, pydantic, boto3; plain sam build",
}
COUNTED = ("ours", "trimmed", "released", "alternative")


def ratio(part: str, other: str) -> Callable[[Round], float]:
    """Return the function that divides our time by the other process's time of the same round."""
    return lambda times: times["ours"][part] / times[other][part]


# Label, figure of a round, unit, budget.
FIGURES: tuple[tuple[str, Callable[[Round], float], str, float | None], ...] = (
    ("cold start to bare, botocore as released", ratio("cold", "released"), "x", budgets.COLD_TO_RELEASED),
    ("cold start to bare, our trimmed botocore", ratio("cold", "trimmed"), "x", budgets.COLD_TO_TRIMMED),
    ("cold start to ours unpackaged", ratio("cold", "unpackaged"), "x", budgets.COLD_TO_UNPACKAGED),
    ("cold start to the alternative", ratio("cold", "alternative"), "x", None),
    (
        "first request to the second",
        lambda times: times["ours"]["first"] / times["ours"]["second"],
        "x",
        budgets.FIRST_TO_SECOND,
    ),
    ("warm request to bare", ratio("warm", "trimmed"), "x", budgets.WARM_TO_RAW),
    ("warm request to the alternative", ratio("warm", "alternative"), "x", None),
    (
        "framework over a raw function",
        lambda times: (times["framework"]["warm"] - times["raw"]["warm"]) * 1000,
        "us",
        budgets.FRAMEWORK_MICROSECONDS,
    ),
    (
        "  of it the log line",
        lambda times: (times["framework"]["warm"] - times["quiet"]["warm"]) * 1000,
        "us",
        None,
    ),
)


def machine() -> str:
    """Return the processor, its number of cores and their load."""
    models = [
        line.partition(":")[2].strip()
        for path in [Path("/proc/cpuinfo")]
        if path.exists()
        for line in path.read_text().splitlines()
        if line.startswith("model name")
    ]
    processor = models[0] if models else platform.processor() or platform.machine()
    return f"{processor}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"


def report(label: str, figure: float, unit: str, budget: float | None = None) -> None:
    """Print one line of the report."""
    budget_text = "" if budget is None else f"<= {budget:g} {unit}".ljust(12)
    status = "" if budget is None else "ok" if figure <= budget else "OVER"
    print(f"  {label:<46}{figure:>9.2f} {unit:<3} {budget_text}{status}".rstrip(), flush=True)


def progress(activity: str) -> None:
    print(f"… {activity}", file=sys.stderr, flush=True)


def processes(target: package.Target, scratch: Path, endpoint: str) -> dict[str, Variant]:
    """Build all that is measured; leave the alternative out if `sam` cannot build it."""
    progress("building and installing what is measured")
    found = variants.packaged(target, scratch / "artifact", endpoint)
    found |= variants.framework(target, scratch / "artifact", endpoint)
    found |= variants.unpackaged(target, scratch, endpoint)
    try:
        found["alternative"] = variants.alternative(target, scratch, endpoint)
    except subprocess.CalledProcessError as error:
        print(f"The alternative is not measured; sam build failed:\n{error.stderr.decode()[-800:]}")
    return found


def measure_times(found: Mapping[str, Variant], server: stub.Server) -> None:
    """Print the times and their ratios."""
    request = stub.event()
    bodies = {name: body(found[name], request) for name in LABELS if name in found}
    assert all(each == bodies["ours"] for each in bodies.values()), "the handlers respond differently"
    before = server.requests
    measure(found["ours"], request, WARM_REQUESTS)
    calls = server.requests - before
    rounds: list[Round] = []
    for number in range(ROUNDS):
        progress(f"times, round {number + 1} of {ROUNDS}")
        rounds.append({name: measure(variant, request, WARM_REQUESTS) for name, variant in found.items()})
    print(f"\n  {'CPU time in ms, medians':<46}{'cold':>9}{'first':>9}{'second':>9}{'warm':>9}")
    for name in bodies:
        times = [
            statistics.median(each[name][part] for each in rounds)
            for part in ("cold", "first", "second", "warm")
        ]
        print(f"  {LABELS[name]:<46}" + "".join(f"{each:>9.2f}" for each in times))
    print("\n  ratios and differences of times, medians")
    for label, figure, unit, budget in FIGURES:
        if "alternative" in found or "alternative" not in label:
            report(label, statistics.median(figure(times) for times in rounds), unit, budget)
    report("DynamoDB calls per request", calls / (WARM_REQUESTS + 2), "", 1)


def count_instructions(found: Mapping[str, Variant]) -> None:
    """Print the instructions and their ratios."""
    request = stub.event()
    counts: dict[str, Instructions] = {}
    for name in COUNTED:
        if name in found:
            progress(f"instructions: {LABELS[name]}")
            counts[name] = count(found[name], request, COUNTED_REQUESTS)
    print(f"\n  {'instructions in millions':<46}{'cold':>9}{'second':>9}{'warm':>9}")
    for name, each in counts.items():
        figures = (each.cold / MILLION, each.second / MILLION, each.warm / MILLION)
        print(f"  {LABELS[name]:<46}{figures[0]:>9.1f}{figures[1]:>9.2f}{figures[2]:>9.2f}")
    ours, bare = counts["ours"], counts["trimmed"]
    print("\n  ratios of instructions")
    cold, warm = budgets.COLD_TO_TRIMMED_INSTRUCTIONS, budgets.WARM_TO_RAW_INSTRUCTIONS
    report("cold start to bare, our trimmed botocore", ours.cold / bare.cold, "x", cold)
    report("warm request to bare", ours.warm / bare.warm, "x", warm)
    if other := counts.get("alternative"):
        report("cold start to the alternative", ours.cold / other.cold, "x")
        report("warm request to the alternative", ours.warm / other.warm, "x")


def measure_sizes(scratch: Path) -> None:
    """Print each function's zip size, imported modules and init time."""
    artifacts, megabytes = {}, {}
    for key, name in RECIPES.items():
        progress(f"building {name}")
        artifacts[key] = scratch / name
        build(name, artifacts[key])
        megabytes[key] = zipped_size(artifacts[key], scratch) / MB
    print(f"\n  {'function':<28}{'zip':>8}{'':<15}{'modules':>9}{'init':>8}")
    for name, properties in FUNCTIONS.items():
        key = recipe(name)
        variant = Variant(sys.executable, (artifacts[key],), properties["Handler"], environment(name))
        times = measure(variant)
        status = f"<= {limit(key)}  {'ok' if megabytes[key] <= limit(key) else 'OVER'}"
        size = f"{megabytes[key]:>5.2f} MB"
        print(f"  {name:<28}{size} {status:<14}{times['modules']:>9.0f}{times['init']:>5.0f} ms", flush=True)


def main() -> None:
    began = time.monotonic()
    print(machine())
    measured = [*variants.targets()]
    if len(measured) == 1:
        print(f"python{variants.OTHER_PYTHON} is not on the PATH, so it is not measured.")
    if not can_count():
        print(f"{MISSING}. Only times follow.")
    with tempfile.TemporaryDirectory(prefix="tillstack-bench-") as folder, stub.dynamodb() as server:
        for target in measured:
            version = variants.version(target)
            print(f"\nPython {version}: GET /orders/{{order_id}}, three lines; {ROUNDS} rounds")
            scratch = Path(folder) / target.name
            scratch.mkdir()
            found = processes(target, scratch, server.url)
            measure_times(found, server)
            if can_count():
                count_instructions(found)
        print(f"\nPython {platform.python_version()}: all functions")
        measure_sizes(Path(folder))
    print(f"\n{time.monotonic() - began:.0f} s; the times are valid on an idle machine only.")


if __name__ == "__main__":
    try:
        main()
    except MeasurementError as error:
        sys.exit(str(error))
