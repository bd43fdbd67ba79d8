"""In one process too the shop does only what its roles allow, and a grant that is missing is told of."""

from copy import deepcopy

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.cloudformation import functions
from tests.simulator import invariants, shopping
from tests.simulator.roles import Need, Roles, needs
from tests.simulator.shopping import ADA
from tests.support import ACCOUNT, ENVIRONMENT, REGION

TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/tillstack-test"
SES = f"arn:aws:ses:{REGION}:{ACCOUNT}"


@pytest.fixture
def robbed(simulator, monkeypatch):
    """Takes a grant away, as if nobody had thought of it; what is refused for that is for the test to see."""

    def rob(function: str, action: str, resource: str) -> None:
        template = deepcopy(simulator.wiring.template)
        for statement in functions(template)[function]["Policies"][0]["Statement"]:
            said = statement["Action"]
            actions = said if isinstance(said, list) else [said]
            if action in actions and resource in str(statement["Resource"]):
                statement["Action"] = [each for each in actions if each != action]
                monkeypatch.setattr(simulator.transport, "roles", Roles(template))
                return
        raise AssertionError(f"{function} may not {action} {resource} anyway")

    yield rob
    simulator.transport.refused.clear()


def refused(simulator) -> set[str]:
    return set(simulator.transport.refused)


def test_what_fails_in_silence_for_want_of_a_grant_is_named_and_the_books_say_so(simulator, robbed):
    shopping.open_shop(simulator, {"A": 5})
    shopping.fill(simulator, ADA, {"A": 1})
    assert shopping.put_coupon(simulator, ADA).status == 200
    shopping.place_cart(simulator, ADA, "key")
    simulator.pump()
    robbed("OrdersSweeper", "dynamodb:UpdateItem", "OrdersCounters")
    simulator.advance(minutes=31)
    simulator.sweep()  # what it cannot do it logs and leaves
    assert refused(simulator) == {f"OrdersSweeper may not dynamodb:UpdateItem on {TABLE}-orders-counters"}
    with pytest.raises(AssertionError, match="OrdersSweeper may not dynamodb:UpdateItem"):
        invariants.check(simulator, {"A": 5})


def test_who_is_asked_has_a_role_of_its_own_and_who_asks_must_be_allowed_to(simulator, robbed):
    shopping.open_shop(simulator, {"A": 5})
    shopping.fill(simulator, ADA, {"A": 1})
    robbed("CatalogCommands", "dynamodb:UpdateItem", "CatalogArn")
    assert shopping.place_cart(simulator, ADA, "first").status >= 500
    assert refused(simulator) == {f"CatalogCommands may not dynamodb:UpdateItem on {TABLE}-catalog"}
    simulator.transport.refused.clear()
    robbed("OrdersApi", "lambda:InvokeFunction", "CartCommands")
    assert shopping.place_cart(simulator, ADA, "second").status >= 500
    asked = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:CartCommands"
    assert refused(simulator) == {f"OrdersApi may not lambda:InvokeFunction on {asked}"}


def test_what_a_role_does_not_allow_is_refused_as_by_aws(simulator, robbed):
    robbed("CartApi", "dynamodb:PutItem", "CartsArn")
    dynamodb = boto3.client("dynamodb", region_name=REGION)
    with (
        simulator.transport.invocation(simulator.wiring.functions["CartApi"], None),
        pytest.raises(ClientError) as failure,
    ):
        dynamodb.put_item(TableName=ENVIRONMENT["CART_TABLE"], Item={"pk": {"S": "a"}})
    error = failure.value.response["Error"]
    assert error["Code"] == "AccessDeniedException"
    assert f"not authorized to perform: dynamodb:PutItem on resource: {TABLE}-carts" in error["Message"]
    assert refused(simulator) == {f"CartApi may not dynamodb:PutItem on {TABLE}-carts"}


def test_the_role_that_asks_is_not_lent_to_who_is_asked(simulator):
    assert not simulator.transport.roles.lacking(
        "OrdersApi", [Need("dynamodb:UpdateItem", f"{TABLE}-orders-counters")]
    )
    assert simulator.transport.roles.lacking("CatalogCommands", [Need("dynamodb:GetItem", f"{TABLE}-orders")])


def test_to_who_may_not_list_a_bucket_what_is_not_there_is_forbidden(simulator):
    invoices = simulator.wiring.functions["OrdersInvoices"]
    s3 = boto3.client("s3", region_name=REGION)
    bucket = ENVIRONMENT["ORDERS_INVOICES_BUCKET"]
    for ask in (s3.get_object, s3.head_object):
        with simulator.transport.invocation(invoices, None), pytest.raises(ClientError) as failure:
            ask(Bucket=bucket, Key="invoices/2026/none.pdf")
        assert failure.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert not refused(simulator)
    with simulator.transport.invocation(invoices, None), pytest.raises(ClientError):
        s3.get_object(Bucket=bucket, Key="elsewhere/none.pdf")
    assert refused(simulator) == {
        f"OrdersInvoices may not s3:GetObject on arn:aws:s3:::{bucket}/elsewhere/none.pdf"
    }
    simulator.transport.refused.clear()


MAIL = {"Source": "Tillstack <orders@tillstack.example>"}
CALLS = {
    "a transaction needs what is in it": (
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
    "so does one that reads": (
        ("dynamodb", "TransactGetItems"),
        {"TransactItems": [{"Get": {"TableName": "a"}}]},
        ["GetItem a"],
    ),
    "a batch is an action of its own": (
        ("dynamodb", "BatchGetItem"),
        {"RequestItems": {"a": {}, "b": {}}},
        ["BatchGetItem a", "BatchGetItem b"],
    ),
    "an index is a resource of its own": (
        ("dynamodb", "Query"),
        {"TableName": "a", "IndexName": "by-b"},
        ["Query a/index/by-b"],
    ),
}


@pytest.mark.parametrize(("call", "said", "expected"), CALLS.values(), ids=CALLS.keys())
def test_a_call_of_dynamodb_needs(call, said, expected):
    found = [str(need) for need in needs(call[0], call[1], said)]
    table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/"
    assert found == [f"dynamodb:{action} on {table}{rest}" for action, rest in map(str.split, expected)]


def test_batches_of_messages_need_what_one_message_needs():
    (sent,) = needs("sqs", "SendMessageBatch", {"QueueUrl": ENVIRONMENT["PAYMENTS_STRIPE_QUEUE_URL"]})
    (said,) = needs("sns", "PublishBatch", {"TopicArn": ENVIRONMENT["ORDERS_TOPIC_ARN"]})
    assert (sent.action, said.action) == ("sqs:SendMessage", "sns:Publish")


def test_a_mail_goes_out_from_the_shops_own_address_alone(simulator):
    def lacks(**said: str) -> str | None:
        need: Need | None = simulator.transport.roles.lacking(
            "NotifyConsumer", needs("ses", "SendRawEmail", MAIL | said)
        )
        return need.resource if need else None

    assert lacks() is None
    assert lacks(ConfigurationSetName="tillstack-test") is None
    assert lacks(ConfigurationSetName="another") == f"{SES}:configuration-set/another"
    assert lacks(Source="boss@tillstack.example") == f"{SES}:identity/tillstack.example"


def test_a_text_message_goes_to_a_number_and_never_to_a_topic(simulator):
    def lacks(**said: str) -> Need | None:
        found: Need | None = simulator.transport.roles.lacking(
            "NotifyConsumer", needs("sns", "Publish", said)
        )
        return found

    assert lacks(PhoneNumber="+447700900123") is None
    assert lacks(TopicArn=ENVIRONMENT["ORDERS_TOPIC_ARN"])


def test_a_call_that_nobody_knows_the_needs_of_is_told_of():
    with pytest.raises(NotImplementedError, match="ec2:RunInstances"):
        needs("ec2", "RunInstances", {})
