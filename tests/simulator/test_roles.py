"""The simulator enforces the roles of template.yaml and reports missing permissions."""

from copy import deepcopy

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.cloudformation import functions
from tests.simulator import invariants, shopping
from tests.simulator.roles import Permission, Roles, required_permissions
from tests.simulator.shopping import ADA
from tests.support import ACCOUNT, ENVIRONMENT, REGION

TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/tillstack-test"
SES = f"arn:aws:ses:{REGION}:{ACCOUNT}"


@pytest.fixture
def revoke(simulator, monkeypatch):
    """`revoke(function, action, resource)` removes an action from the function's role for one test."""

    def revoke_action(function: str, action: str, resource: str) -> None:
        template = deepcopy(simulator.wiring.template)
        for statement in functions(template)[function]["Policies"][0]["Statement"]:
            action_or_list = statement["Action"]
            actions = action_or_list if isinstance(action_or_list, list) else [action_or_list]
            if action in actions and resource in str(statement["Resource"]):
                statement["Action"] = [each for each in actions if each != action]
                monkeypatch.setattr(simulator.transport, "roles", Roles(template))
                return
        raise AssertionError(f"{function} has no permission for {action} on {resource}")

    yield revoke_action
    simulator.transport.denied.clear()


def denied_calls(simulator) -> set[str]:
    return set(simulator.transport.denied)


def test_a_denied_call_that_only_a_log_shows_fails_the_invariants(simulator, revoke):
    shopping.open_shop(simulator, {"A": 5})
    shopping.fill(simulator, ADA, {"A": 1})
    assert shopping.put_coupon(simulator, ADA).status == 200
    shopping.place_cart(simulator, ADA, "key")
    simulator.pump()
    revoke("OrdersSweeper", "dynamodb:UpdateItem", "OrdersCounters")
    simulator.advance(minutes=31)
    simulator.sweep()  # logs the failure and continues
    assert denied_calls(simulator) == {
        f"OrdersSweeper may not dynamodb:UpdateItem on {TABLE}-orders-counters"
    }
    with pytest.raises(AssertionError, match="OrdersSweeper may not dynamodb:UpdateItem"):
        invariants.check(simulator, {"A": 5})


def test_caller_and_callee_each_need_their_own_permissions(simulator, revoke):
    shopping.open_shop(simulator, {"A": 5})
    shopping.fill(simulator, ADA, {"A": 1})
    revoke("CatalogCommands", "dynamodb:UpdateItem", "CatalogArn")
    assert shopping.place_cart(simulator, ADA, "first").status >= 500
    assert denied_calls(simulator) == {f"CatalogCommands may not dynamodb:UpdateItem on {TABLE}-catalog"}
    simulator.transport.denied.clear()
    revoke("OrdersApi", "lambda:InvokeFunction", "CartCommands")
    assert shopping.place_cart(simulator, ADA, "second").status >= 500
    callee = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:CartCommands"
    assert denied_calls(simulator) == {f"OrdersApi may not lambda:InvokeFunction on {callee}"}


def test_a_denied_call_raises_the_error_of_aws(simulator, revoke):
    revoke("CartApi", "dynamodb:PutItem", "CartsArn")
    dynamodb = boto3.client("dynamodb", region_name=REGION)
    with (
        simulator.transport.invocation(simulator.wiring.functions["CartApi"], None),
        pytest.raises(ClientError) as failure,
    ):
        dynamodb.put_item(TableName=ENVIRONMENT["CART_TABLE"], Item={"pk": {"S": "a"}})
    error = failure.value.response["Error"]
    assert error["Code"] == "AccessDeniedException"
    assert f"not authorized to perform: dynamodb:PutItem on resource: {TABLE}-carts" in error["Message"]
    assert denied_calls(simulator) == {f"CartApi may not dynamodb:PutItem on {TABLE}-carts"}


def test_a_callee_does_not_inherit_the_role_of_its_caller(simulator):
    assert not simulator.transport.roles.missing(
        "OrdersApi", [Permission("dynamodb:UpdateItem", f"{TABLE}-orders-counters")]
    )
    assert simulator.transport.roles.missing(
        "CatalogCommands", [Permission("dynamodb:GetItem", f"{TABLE}-orders")]
    )


def test_a_missing_object_is_forbidden_without_list_permission(simulator):
    invoices = simulator.wiring.functions["OrdersInvoices"]
    s3 = boto3.client("s3", region_name=REGION)
    bucket = ENVIRONMENT["ORDERS_INVOICES_BUCKET"]
    for read in (s3.get_object, s3.head_object):
        with simulator.transport.invocation(invoices, None), pytest.raises(ClientError) as failure:
            read(Bucket=bucket, Key="invoices/2026/none.pdf")
        assert failure.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert not denied_calls(simulator)
    with simulator.transport.invocation(invoices, None), pytest.raises(ClientError):
        s3.get_object(Bucket=bucket, Key="elsewhere/none.pdf")
    assert denied_calls(simulator) == {
        f"OrdersInvoices may not s3:GetObject on arn:aws:s3:::{bucket}/elsewhere/none.pdf"
    }
    simulator.transport.denied.clear()


EMAIL = {"Source": "Tillstack <orders@tillstack.example>"}
CALLS = {
    "a transaction needs the permission of each write": (
        ("dynamodb", "TransactWriteItems"),
        {
            "TransactItems": [
                {"Put": {"TableName": "a"}},
                {"Update": {"TableName": "b"}},
                {"Delete": {"TableName": "c"}},
                {"ConditionCheck": {"TableName": "d"}},
            ]
        },
        ["PutItem a", "UpdateItem b", "DeleteItem c", "ConditionCheckItem d"],
    ),
    "a reading transaction needs the permission of each read": (
        ("dynamodb", "TransactGetItems"),
        {"TransactItems": [{"Get": {"TableName": "a"}}]},
        ["GetItem a"],
    ),
    "a batch is a separate action": (
        ("dynamodb", "BatchGetItem"),
        {"RequestItems": {"a": {}, "b": {}}},
        ["BatchGetItem a", "BatchGetItem b"],
    ),
    "an index is a separate resource": (
        ("dynamodb", "Query"),
        {"TableName": "a", "IndexName": "by-b"},
        ["Query a/index/by-b"],
    ),
}


@pytest.mark.parametrize(("call", "params", "expected"), CALLS.values(), ids=CALLS.keys())
def test_permissions_of_dynamodb_calls(call, params, expected):
    found = [str(need) for need in required_permissions(call[0], call[1], params)]
    table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/"
    assert found == [f"dynamodb:{action} on {table}{rest}" for action, rest in map(str.split, expected)]


def test_a_batch_of_messages_needs_the_permission_of_one():
    (sent,) = required_permissions(
        "sqs", "SendMessageBatch", {"QueueUrl": ENVIRONMENT["PAYMENTS_STRIPE_QUEUE_URL"]}
    )
    (published,) = required_permissions("sns", "PublishBatch", {"TopicArn": ENVIRONMENT["ORDERS_TOPIC_ARN"]})
    assert (sent.action, published.action) == ("sqs:SendMessage", "sns:Publish")


def test_emails_may_be_sent_only_from_the_shops_address(simulator):
    def missing(**params: str) -> str | None:
        need: Permission | None = simulator.transport.roles.missing(
            "NotifyConsumer", required_permissions("ses", "SendRawEmail", EMAIL | params)
        )
        return need.resource if need else None

    assert missing() is None
    assert missing(ConfigurationSetName="tillstack-test") is None
    assert missing(ConfigurationSetName="another") == f"{SES}:configuration-set/another"
    assert missing(Source="boss@tillstack.example") == f"{SES}:identity/tillstack.example"


def test_text_messages_may_be_sent_to_numbers_but_not_to_topics(simulator):
    def missing(**params: str) -> Permission | None:
        found: Permission | None = simulator.transport.roles.missing(
            "NotifyConsumer", required_permissions("sns", "Publish", params)
        )
        return found

    assert missing(PhoneNumber="+447700900123") is None
    assert missing(TopicArn=ENVIRONMENT["ORDERS_TOPIC_ARN"])


def test_a_call_with_unknown_permissions_raises():
    with pytest.raises(NotImplementedError, match="ec2:RunInstances"):
        required_permissions("ec2", "RunInstances", {})
