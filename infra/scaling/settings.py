"""The settings of template.yaml that limit how much runs at once."""

from typing import Any, NamedTuple

from infra.cloudformation import ROOT, functions, read
from infra.scaling.quotas import QUEUE_CONCURRENCY, STREAM_BATCHES


class Source(NamedTuple):
    """What invokes a function: the table of a stream, batches at once, and the setting that limits them.

    `table` is empty for a queue; `setting` is empty if only Lambda's quota limits the batches.
    """

    function: str
    table: str
    at_once: float
    setting: str


def template() -> dict[str, Any]:
    return read(ROOT / "template.yaml")


def throttle() -> float:
    """Return the requests per second that API Gateway accepts for each method and path."""
    (setting,) = template()["Resources"]["Api"]["Properties"]["MethodSettings"]
    return _value(setting["ThrottlingRateLimit"])


def reserved() -> dict[str, float]:
    """Return the concurrency that the template reserves for functions, which also limits them."""
    return {
        name: _value(properties["ReservedConcurrentExecutions"])
        for name, properties in functions(template()).items()
        if "ReservedConcurrentExecutions" in properties
    }


def queues() -> list[Source]:
    """Return the functions that consume queues."""
    found = []
    for name, event in _events("SQS"):
        limit = event.get("ScalingConfig", {}).get("MaximumConcurrency")
        setting = (
            limit["Ref"] if isinstance(limit, dict) else f"MaximumConcurrency of {name}" if limit else ""
        )
        found.append(Source(name, "", _value(limit or QUEUE_CONCURRENCY.default), setting))
    return found


def streams() -> list[Source]:
    """Return the functions that consume the streams of tables."""
    return [
        Source(
            name,
            _table(event["Stream"]["GetAtt"]),
            _value(event.get("ParallelizationFactor", STREAM_BATCHES.default)),
            "ParallelizationFactor",
        )
        for name, event in _events("DynamoDB")
    ]


def _events(kind: str) -> list[tuple[str, dict[str, Any]]]:
    return [
        (name, event["Properties"])
        for name, properties in functions(template()).items()
        for event in properties.get("Events", {}).values()
        if event["Type"] == kind
    ]


def _table(attribute: str) -> str:
    """Return the name without its prefix of the table that a stack's output has the stream of."""
    stack, _, output = attribute.split(".")
    nested = read(ROOT / template()["Resources"][stack]["Properties"]["TemplateURL"])
    resource = nested["Outputs"][output]["Value"]["GetAtt"].partition(".")[0]
    name: str = nested["Resources"][resource]["Properties"]["TableName"]["Sub"]
    return name.removeprefix("tillstack-${Stage}-")


def _value(value: Any) -> float:
    """Return a number, or the default of the parameter that it refers to."""
    return float(template()["Parameters"][value["Ref"]]["Default"] if isinstance(value, dict) else value)
