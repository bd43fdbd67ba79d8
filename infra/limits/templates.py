"""The limits in the templates: properties of resources, with the comments beside and above them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from infra.cloudformation import Loader
from infra.limits.code import comment
from infra.limits.limit import Kind, Limit, text_of
from infra.permissions import Templates


class Property(NamedTuple):
    """A property that is a limit: its unit, and its reason unless a comment beside the value states one."""

    unit: str
    reason: str
    kind: Kind = Kind.RESOURCES


PROPERTIES = {
    "ThrottlingRateLimit": Property(
        "requests per second", "of all clients together; an attack must not cause unlimited costs", Kind.RULES
    ),
    "ThrottlingBurstLimit": Property(
        "requests at once", "two seconds of ThrottlingRateLimit; more get 429", Kind.RULES
    ),
    "Timeout": Property("seconds", "API Gateway waits at most 29 seconds for a function", Kind.RETRIES),
    "MemorySize": Property("MB", "memory determines the share of a vCPU, and so the time of a cold start"),
    "Schedule": Property("", "how often the function runs without an event", Kind.PROCESSING),
    "BatchSize": Property("records per call", "few calls, and a batch finishes within the timeout"),
    "MaximumBatchingWindowInSeconds": Property("seconds", "a batch fills before the function is invoked"),
    "MaximumConcurrency": Property("functions at once", ""),
    "MaximumRetryAttempts": Property(
        "retries per batch", "after that the records are in relays-dlq and block no others", Kind.RETRIES
    ),
    "maxReceiveCount": Property(
        "tries per message", "15 minutes, an hour for invoices: a disturbance passes", Kind.RETRIES
    ),
    "VisibilityTimeout": Property("seconds", "", Kind.RETRIES),
    "MessageRetentionPeriod": Property("seconds", "", Kind.LIFETIMES),
    "RetentionInDays": Property("days", "", Kind.LIFETIMES),
    "PendingWindowInDays": Property("days", "", Kind.LIFETIMES),
    "PasswordLength": Property("characters", ""),
    "TimeToLiveSpecification": Property(
        "", "rows state when they expire; DynamoDB deletes them days later, so reads check it", Kind.LIFETIMES
    ),
    "PointInTimeRecoveryEnabled": Property(
        "", "AWS's default and longest period; a table can be restored to any second of it", Kind.LIFETIMES
    ),
}
# A value that stands for another one.
MEANS = {("PointInTimeRecoveryEnabled", "true"): "35 days"}


def limits(paths: Mapping[str, Path], templates: Templates) -> Iterator[Limit]:
    """Yield the limits of the templates, one for all resources with the same value and reason.

    Raises LookupError if a value has no reason.
    """
    found = sorted(_found(paths, templates))
    for limit, pairs in groupby(found, key=lambda pair: pair[0]):
        owners = sorted({owner for _, owner in pairs})
        yield replace(limit, owners=tuple(owners))


def _found(paths: Mapping[str, Path], templates: Templates) -> Iterator[tuple[Limit, str]]:
    for stack, path in paths.items():
        source = path.read_text()
        root = yaml.compose(source, Loader)
        defaults = {
            name: _scalar(_child(each, "Default")) for name, each in _items(_child(root, "Parameters"))
        }
        for name, node in _items(_child(root, "Resources")):
            owner = templates.find({"Ref": name}, stack)
            for limit in _limits(node, source.splitlines(), defaults):
                yield limit, owner.label if owner.service else name
        for limit in _limits(_child(root, "Globals"), source.splitlines(), defaults):
            yield limit, "all functions that state no other"


def _limits(node: Any, lines: list[str], defaults: Mapping[str, str]) -> Iterator[Limit]:
    for key, value in _items(node):
        if known := PROPERTIES.get(key):
            stated = next(iter(dict(_items(value)).values()), value)  # the first property of a mapping
            is_parameter = stated.tag == "!Ref"
            text = defaults[stated.value] if is_parameter else stated.value
            reason = comment(lines, stated.start_mark.line + 1) or known.reason
            if not reason:
                raise LookupError(f"State the reason of {key}: {text} in a comment beside it.")
            shown = MEANS.get((key, text)) or text_of(int(text) if text.isdigit() else text, known.unit)
            yield Limit(
                known.kind, "", key, shown, reason, f"parameter {stated.value}" if is_parameter else "fixed"
            )
        else:
            yield from _limits(value, lines, defaults)


def _items(node: Any) -> Iterator[tuple[str, Any]]:
    """Yield the keys and values of a mapping; a sequence has the positions of its elements as keys."""
    if isinstance(node, yaml.MappingNode):
        yield from ((key.value, value) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        yield from ((str(position), value) for position, value in enumerate(node.value))


def _child(node: Any, key: str) -> Any:
    return dict(_items(node)).get(key)


def _scalar(node: Any) -> str:
    return node.value if isinstance(node, yaml.ScalarNode) else ""
