"""docs/permissions.md lists what the templates allow."""

from typing import Any

import pytest

from infra.permissions import Grant, Resource, Templates

TABLE = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {"TableName": {"Sub": "tillstack-${Stage}-carts"}},
}
STACK: dict[str, Any] = {
    "Resources": {
        "Carts": TABLE,
        "Queue": {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "QueueName": {"Sub": "tillstack-${Stage}-cart"},
                "RedrivePolicy": {"deadLetterTargetArn": {"GetAtt": "DeadLetters.Arn"}, "maxReceiveCount": 5},
            },
        },
        "DeadLetters": {
            "Type": "AWS::SQS::Queue",
            "Properties": {"QueueName": {"Sub": "tillstack-${Stage}-cart-dlq"}},
        },
        "Key": {"Type": "AWS::KMS::Key", "Properties": {}},
        "Alias": {
            "Type": "AWS::KMS::Alias",
            "Properties": {
                "AliasName": {"Sub": "alias/tillstack-${Stage}-tokens"},
                "TargetKeyId": {"Ref": "Key"},
            },
        },
    },
    "Outputs": {
        "CartsArn": {"Value": {"GetAtt": "Carts.Arn"}},
        "CartsStreamArn": {"Value": {"GetAtt": "Carts.StreamArn"}},
        "QueueArn": {"Value": {"GetAtt": "Queue.Arn"}},
        "DeadLettersArn": {"Value": {"GetAtt": "DeadLetters.Arn"}},
        "KeyArn": {"Value": {"GetAtt": "Key.Arn"}},
    },
}
CARTS = {"GetAtt": "Cart.Outputs.CartsArn"}


def templates(**functions: dict[str, Any]) -> Templates:
    """Return templates with the stack `Cart` and with functions of these properties."""
    resources = {
        name: {"Type": "AWS::Serverless::Function", "Properties": properties}
        for name, properties in functions.items()
    }
    return Templates({"Resources": resources}, {"Cart": STACK})


def granted(*statements: dict[str, Any], **properties: Any) -> set[Grant]:
    """Return the grants of the function `CartApi` with these statements."""
    policies = [{"Statement": [{"Effect": "Allow", **statement} for statement in statements]}]
    found = templates(CartApi={"Policies": policies, **properties}).grants()
    return {grant for grant in found if "dlq" not in grant.resource.label or grant.who == "CartApi"}


def cart(label: str) -> Resource:
    return Resource("cart", label)


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (CARTS, "table `carts`"),
        ({"Sub": "${Cart.Outputs.CartsArn}/index/by-code"}, "index `carts/by-code`"),
        ({"Sub": ["${Arn}/index/by-code", {"Arn": CARTS}]}, "index `carts/by-code`"),
        ({"GetAtt": "Cart.Outputs.CartsStreamArn"}, "stream `carts`"),
        ({"GetAtt": "Cart.Outputs.QueueArn"}, "queue `cart`"),
        ({"GetAtt": "Cart.Outputs.KeyArn"}, "key `tokens`"),
        ({"GetAtt": "CartApi.Arn"}, "CartApi"),
    ],
)
def test_a_reference_is_shown_as_the_resource_that_it_names(value, label):
    assert templates(CartApi={}).find(value) == cart(label)


def test_a_resource_of_aws_is_shown_as_its_arn():
    arn = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:identity/${Sender}"
    assert templates().find({"Sub": arn}) == Resource("", "`ses identity/<Sender>`")


def test_actions_become_verbs_in_the_order_of_the_legend():
    statement = {"Action": ["dynamodb:UpdateItem", "dynamodb:GetItem"], "Resource": CARTS}
    assert granted(statement) == {Grant(cart("table `carts`"), "CartApi", "read, update")}


def test_every_resource_of_a_statement_is_listed():
    statement = {"Action": "dynamodb:Query", "Resource": [CARTS, {"Sub": "${Cart.Outputs.CartsArn}/index/a"}]}
    assert {grant.resource.label for grant in granted(statement)} == {"table `carts`", "index `carts/a`"}


def test_an_action_without_a_verb_is_an_error():
    with pytest.raises(KeyError, match="dynamodb:DeleteTable"):
        granted({"Action": "dynamodb:DeleteTable", "Resource": CARTS})


def test_a_condition_is_shown():
    condition = {"StringEquals": {"ses:FromAddress": {"Ref": "Sender"}}}
    (grant,) = granted({"Action": "ses:SendRawEmail", "Resource": "*", "Condition": condition})
    assert grant == Grant(cart("`*`"), "CartApi", "send if `ses:FromAddress` is `<Sender>`")


def test_a_statement_with_exceptions_lists_them():
    (grant,) = granted({"Action": "sns:Publish", "NotResource": {"Sub": "arn:aws:sns:*:*:*"}})
    assert grant == Grant(cart("all except `arn:aws:sns:*:*:*`"), "CartApi", "publish")


def test_a_queue_invokes_its_consumer_and_fails_to_its_dead_letters():
    source = {"Type": "SQS", "Properties": {"Queue": {"GetAtt": "Cart.Outputs.QueueArn"}}}
    assert {*templates(CartConsumer={"Events": {"Queue": source}}).grants()} == {
        Grant(cart("queue `cart`"), "CartConsumer", "consume"),
        Grant(cart("CartConsumer"), "queue `cart`", "invoke"),
        Grant(cart("queue `cart-dlq`"), "queue `cart`", "send (after 5 failures)"),
    }


def test_a_stream_invokes_its_reader_which_may_send_failed_batches():
    source = {
        "Stream": {"GetAtt": "Cart.Outputs.CartsStreamArn"},
        "DestinationConfig": {"OnFailure": {"Destination": {"GetAtt": "Cart.Outputs.DeadLettersArn"}}},
    }
    assert granted(Events={"Stream": {"Type": "DynamoDB", "Properties": source}}) == {
        Grant(cart("stream `carts`"), "CartApi", "follow"),
        Grant(cart("CartApi"), "stream `carts`", "invoke"),
        Grant(cart("queue `cart-dlq`"), "CartApi", "send (batches that failed)"),
    }


def test_the_repository_has_a_grant_for_every_statement():
    repository = Templates.of_repository()
    labels = {grant.resource.label for grant in repository.grants()}
    assert {"table `orders`", "index `payments/by-due`", "objects `invoices/invoices/*`", "RootApi"} <= labels
