"""template.yaml and the code agree on routes, settings, events and permissions."""

import importlib
import re
from typing import Any

import pytest

from infra.cloudformation import functions, read
from infra.generate import stale
from shared.contracts.events.published import PUBLISHED_BY
from shared.http.api import Api
from shared.messaging.consumers import Consumers
from shared.messaging.rpc import Commands
from shared.runtime.settings import Settings
from tests.support import ROOT, SERVICES

TEMPLATE = read(ROOT / "template.yaml")
FUNCTIONS = functions(TEMPLATE)
SUBSCRIPTIONS = [
    resource["Properties"]
    for resource in TEMPLATE["Resources"].values()
    if resource["Type"] == "AWS::SNS::Subscription"
]


def _service_of(name: str) -> str:
    return re.match(r"[A-Z][a-z]+", name)[0].lower()  # type: ignore[index]


def _handler(name: str) -> Any:
    module, _, attribute = FUNCTIONS[name]["Handler"].rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def _statements(name: str) -> list[dict[str, Any]]:
    found = []
    for policy in FUNCTIONS[name].get("Policies", []):
        statement = policy["Statement"]
        found += statement if isinstance(statement, list) else [statement]
    return found


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_the_generated_files_are_up_to_date():
    assert [path.name for path in stale()] == [], "run `make generate`"


def test_every_route_has_one_function_and_every_path_answers_every_method():
    gateway = read(ROOT / "infra" / "openapi.yaml")
    declared = {
        (route.path, route.method.lower()): name
        for name in FUNCTIONS
        if isinstance(handler := _handler(name), Api)
        for route in handler.declared
    }
    assert {path for path, _ in declared} == set(gateway["paths"])
    for path, operations in gateway["paths"].items():
        assert set(operations) == {"get", "head", "post", "put", "patch", "delete", "options"}
        for method, operation in operations.items():
            uri = operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
            assert f"${{{declared.get((path, method), 'RootApi')}.Arn}}" in uri


def test_every_operation_has_a_summary_of_its_own():
    views = {
        route.view: route
        for name in FUNCTIONS
        if isinstance(api := _handler(name), Api)
        for route in api.declared
    }
    summaries = [(view.__doc__ or "").strip().partition("\n")[0] for view in views]
    assert all(summary.endswith(".") for summary in summaries)
    assert len({*summaries}) == len(summaries)


def test_a_function_without_an_idempotency_store_has_no_route_that_needs_one():
    for name in FUNCTIONS:
        if isinstance(api := _handler(name), Api) and api.idempotency is None:
            for route in api.declared:
                assert route.method != "POST" or route.repeatable or "claim" in route.hints, route


def test_only_public_routes_need_no_token():
    gateway = read(ROOT / "infra" / "openapi.yaml")
    for name in FUNCTIONS:
        if isinstance(handler := _handler(name), Api):
            for route in handler.declared:
                operation = gateway["paths"][route.path][route.method.lower()]
                assert ("security" in operation) == (route.role > 0), route


def test_the_gateway_may_invoke_every_function_it_routes_to():
    text = (ROOT / "infra" / "openapi.yaml").read_text()
    called = set(re.findall(r"\$\{(\w+)\.Arn\}", text))
    permitted = {
        (
            resource["Properties"]["FunctionName"].get("Ref")
            or resource["Properties"]["FunctionName"]["GetAtt"]
        ).removesuffix(".Arn")
        for resource in TEMPLATE["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Permission"
        and resource["Properties"]["Principal"] == "apigateway.amazonaws.com"
    }
    assert permitted == called


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_every_setting_its_service_needs(name):
    service = _service_of(name)
    variables = set(FUNCTIONS[name].get("Environment", {}).get("Variables", {}))
    variables |= set(TEMPLATE["Globals"]["Function"]["Environment"]["Variables"])
    if FUNCTIONS[name]["Handler"].startswith("users.authorizer"):
        return  # it reads its two variables itself, because it must not load pydantic
    module = importlib.import_module(f"{service}.settings")
    needed = {
        field.upper()
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Settings) and kind.__module__ == module.__name__
        for field, info in kind.model_fields.items()
        if info.is_required()
    }
    assert needed <= variables
    assert "SERVICE_NAME" in variables


@pytest.mark.parametrize("service", SERVICES)
def test_handled_events_are_subscribed_to_and_published(service):
    handled = {
        kind
        for name in FUNCTIONS
        if _service_of(name) == service
        and isinstance(consumers := getattr(_handler(name), "__self__", None), Consumers)
        for kind in consumers.handlers
    }
    subscribed: set[str] = set()
    for subscription in SUBSCRIPTIONS:
        if not str(subscription["Endpoint"]).find(f"{service.capitalize()}.Outputs") >= 0:
            continue
        publisher = str(subscription["TopicArn"]["GetAtt"]).split(".")[0].lower()
        types = set(subscription["FilterPolicy"]["type"])
        assert types <= {kind.event_type() for kind in PUBLISHED_BY[publisher]}, (
            f"{publisher} does not publish these"
        )
        assert subscription["RawMessageDelivery"] is True
        subscribed |= types
    assert handled == subscribed


def test_every_command_function_handles_commands():
    for name in FUNCTIONS:
        if name.endswith("Commands"):
            assert isinstance(_handler(name).__self__, Commands)
            assert _handler(name).__self__.handlers


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_role_names_its_actions_and_resources(name):
    for statement in _statements(name):
        assert statement["Effect"] == "Allow"
        for action in _listed(statement["Action"]):
            assert "*" not in action
        if "NotResource" in statement:  # a phone number has no ARN: everything that is not a topic
            assert statement["Action"] == "sns:Publish"
            assert statement["NotResource"] == {"Sub": "arn:${AWS::Partition}:sns:*:*:*"}
            continue
        for resource in _listed(statement["Resource"]):
            assert resource != "*" or statement["Action"] == "sns:CheckIfPhoneNumberIsOptedOut"


QUEUES_AND_STREAMS = {"SQS", "DynamoDB"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_event_sources_return_only_failed_records(name):
    for source in FUNCTIONS[name].get("Events", {}).values():
        assert source["Type"] in QUEUES_AND_STREAMS | {"Schedule", "ScheduleV2"}
        if source["Type"] == "SQS":
            assert source["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        if source["Type"] == "DynamoDB":
            assert source["Properties"]["BisectBatchOnFunctionError"] is True


@pytest.mark.parametrize("service", SERVICES)
def test_tables_and_queues_are_protected(service):
    for resource in read(ROOT / "infra" / f"{service}.yaml")["Resources"].values():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::DynamoDB::Table":
            assert properties["BillingMode"] == "PAY_PER_REQUEST"
            assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
            assert properties["SSESpecification"] == {"SSEEnabled": True}
            assert properties["DeletionProtectionEnabled"] == {"If": ["IsProd", True, False]}
        if resource["Type"] == "AWS::SQS::Queue" and not str(properties["QueueName"]).count("dlq"):
            assert properties["RedrivePolicy"]["maxReceiveCount"] == 5
