"""The wiring of functions, queues, streams and topics, read from template.yaml and infra/."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

from infra.cloudformation import functions, read
from shared.http.api import Api
from tests.support import ACCOUNT, ENVIRONMENT, REGION, ROOT, SERVICES, STAGE

Handler = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Function:
    """A Lambda function: its logical id and its `Handler` in the template."""

    name: str
    path: str

    @property
    def service(self) -> str:
        return self.path.partition(".")[0]

    @cached_property
    def handler(self) -> Handler:
        module, _, name = self.path.rpartition(".")
        found: Handler = getattr(import_module(module), name)
        return found


@dataclass(frozen=True)
class QueueSource:
    """A queue and the function that consumes it. `visibility` is in seconds; `tries` is the
    maxReceiveCount."""

    queue: str
    function: Function
    batch: int
    visibility: int
    tries: int


@dataclass(frozen=True)
class StreamSource:
    """A table's stream and its function, which receives records that match a pattern, or all if there are
    none."""

    table: str
    function: Function
    batch: int
    patterns: tuple[Any, ...]

    def wants(self, record: Mapping[str, Any]) -> bool:
        return not self.patterns or any(fits(pattern, record) for pattern in self.patterns)


@dataclass(frozen=True)
class Subscription:
    """A subscription of a queue to a topic, with its SNS attributes (filter policy, raw delivery)."""

    topic_arn: str
    queue_arn: str
    attributes: dict[str, str]


class Wiring:
    """The event sources, subscriptions and invocations of all functions."""

    def __init__(self) -> None:
        self.template = read(ROOT / "template.yaml")
        self.declared = functions(self.template)
        self.functions = {
            name: Function(name, properties["Handler"]) for name, properties in self.declared.items()
        }
        self.queues = list(self._queue_sources())
        self.streams = list(self._stream_sources())
        self.subscriptions = list(self._subscriptions())
        self.callees = dict(self._callees())
        self.stream_views = dict(self._stream_views())
        self.stripe_events = {*self.template["Outputs"]["StripeEventTypes"]["Value"]["Join"][1]}

    def scheduled(self, service: str) -> list[Function]:
        """Return the service's functions that run on a schedule."""
        found = [self.functions[name] for name, _ in self._events("Schedule")]
        return [function for function in found if function.service == service]

    def api_function(self, service: str, method: str, path: str) -> Function:
        """Return the service's function that serves this request."""
        parts = path.partition("?")[0].split("/")
        for function in self.functions.values():
            if function.service == service and isinstance(function.handler, Api):
                for route in function.handler.declared:
                    names = route.path.split("/")
                    if route.method == method and len(names) == len(parts):
                        if all(n == p or n[:1] == "{" for n, p in zip(names, parts, strict=True)):
                            return function
        raise AssertionError(f"{service} has no {method} {path}")

    def _events(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, properties in self.declared.items():
            for event in properties.get("Events", {}).values():
                if event["Type"] == kind:
                    yield name, event["Properties"]

    def _queue_sources(self) -> Iterator[QueueSource]:
        for name, source in self._events("SQS"):
            assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"], name
            assert "FilterCriteria" not in source, f"{name}: filters of queues are not supported"
            _, queue = self._resource(source["Queue"])
            yield QueueSource(
                _resource_name(queue["QueueName"]),
                self.functions[name],
                source["BatchSize"],
                queue["VisibilityTimeout"],
                queue["RedrivePolicy"]["maxReceiveCount"],
            )

    def _stream_sources(self) -> Iterator[StreamSource]:
        for name, source in self._events("DynamoDB"):
            filters = source.get("FilterCriteria", {}).get("Filters", [])
            patterns = tuple(json.loads(each["Pattern"]) for each in filters)
            _, table = self._resource(source["Stream"])
            yield StreamSource(
                _resource_name(table["TableName"]), self.functions[name], source["BatchSize"], patterns
            )

    def _subscriptions(self) -> Iterator[Subscription]:
        for resource in self.template["Resources"].values():
            if resource["Type"] == "AWS::SNS::Subscription":
                properties = resource["Properties"]
                attributes = {"RawMessageDelivery": str(properties["RawMessageDelivery"]).lower()}
                if "FilterPolicy" in properties:
                    attributes["FilterPolicy"] = json.dumps(properties["FilterPolicy"])
                _, topic = self._resource(properties["TopicArn"])
                _, queue = self._resource(properties["Endpoint"])
                yield Subscription(
                    f"arn:aws:sns:{REGION}:{ACCOUNT}:{_resource_name(topic['TopicName'])}",
                    queue_arn(_resource_name(queue["QueueName"])),
                    attributes,
                )

    def _callees(self) -> Iterator[tuple[str, Function]]:
        """Yield each function that another function's environment names, by the name in the tests'
        environment."""
        for properties in self.declared.values():
            for variable, value in properties.get("Environment", {}).get("Variables", {}).items():
                if (
                    isinstance(value, Mapping)
                    and value.get("Ref") in self.functions
                    and variable in ENVIRONMENT
                ):
                    yield ENVIRONMENT[variable], self.functions[value["Ref"]]

    def _stream_views(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for service in SERVICES:
            for resource in read(ROOT / "infra" / f"{service}.yaml")["Resources"].values():
                if stream := resource.get("Properties", {}).get("StreamSpecification"):
                    yield _resource_name(resource["Properties"]["TableName"]), stream

    def _resource(self, reference: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
        """Return the type and properties of the resource that `!GetAtt <stack>.Outputs.<output>` refers
        to."""
        stack, _, output = reference["GetAtt"].split(".")
        nested = read(ROOT / self.template["Resources"][stack]["Properties"]["TemplateURL"])
        value = nested["Outputs"][output]["Value"]
        resource = nested["Resources"][(value.get("Ref") or value["GetAtt"]).partition(".")[0]]
        return resource["Type"], resource["Properties"]


def queue_arn(name: str) -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def fits(pattern: Any, value: Any) -> bool:
    """Return whether a Lambda event filter matches the value. A pattern's leaf is a list of alternatives.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
    """
    if isinstance(pattern, Mapping):
        known = value if isinstance(value, Mapping) else {}
        return all(fits(inner, known.get(name)) for name, inner in pattern.items())
    return any(_is_met(alternative, value) for alternative in pattern)


def _is_met(alternative: Any, value: Any) -> bool:
    if not isinstance(alternative, Mapping):
        return bool(alternative == value)
    ((operator, operand),) = alternative.items()
    if operator == "prefix":
        return isinstance(value, str) and value.startswith(operand)
    if operator == "exists":
        return (value is not None) is bool(operand)
    if operator == "anything-but":
        return value is not None and value not in operand
    raise NotImplementedError(f"the filter {operator}")


def _resource_name(name: Any) -> str:
    return str(name["Sub"] if isinstance(name, Mapping) else name).replace("${Stage}", STAGE)
