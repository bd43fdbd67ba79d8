"""The shop in one process does only what its roles allow; a grant that is missing is told of."""

from copy import deepcopy

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.cloudformation import functions
from tests.shop import shopping
from tests.shop.roles import Need, Roles, needs
from tests.shop.shopping import ADA
from tests.support import ACCOUNT, REGION

TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/tillstack-test"
MAIL = {"Source": "Tillstack <orders@tillstack.example>", "Destinations": [], "RawMessage": {}}


def without(house, function: str, action: str, resource: str) -> Roles:
    """The shop's roles, had nobody thought of granting the function that."""
    template = deepcopy(house.wiring.template)
    granted = functions(template)[function]["Policies"][0]["Statement"]
    for statement in granted:
        said = statement["Action"]
        actions = said if isinstance(said, list) else [said]
        if action in actions and resource in str(statement["Resource"]):
            statement["Action"] = [each for each in actions if each != action] or ["none:None"]
            return Roles(template)
    raise AssertionError(f"{function} may not {action} {resource} anyway")


@pytest.fixture
def roles(house):
    return house.wire.roles


@pytest.fixture
def robbed(house, monkeypatch):
    """Take a grant away; what was refused for that since."""

    def rob(function: str, action: str, resource: str) -> set[str]:
        monkeypatch.setattr(house.wire, "roles", without(house, function, action, resource))
        return set(house.wire.refused)

    yield rob
    house.wire.refused.clear()  # the fixture behind this one would fail the test for it


def refused(house) -> set[str]:
    return set(house.wire.refused)


def test_a_consumer_that_may_not_count_leaves_its_messages_and_is_named(house, robbed):
    shopping.open_shop(house, {"A": 5})
    assert shopping.put_coupon(house, ADA).status == 404
    shopping.fill(house, ADA, {"A": 1})
    assert shopping.put_coupon(house, ADA).status == 200
    order_id = shopping.place_cart(house, ADA, "key").json["order_id"]
    house.pump()
    robbed("OrdersSweeper", "dynamodb:UpdateItem", "OrdersCounters")
    house.advance(minutes=31)
    house.sweep()
    assert refused(house) == {f"OrdersSweeper may not dynamodb:UpdateItem on {TABLE}-orders-counters"}
    assert shopping.read(house, ADA, order_id).json["status"] == "awaiting_payment"


def test_who_may_not_is_answered_as_by_aws(house, robbed):
    shopping.open_shop(house, {"A": 5})
    robbed("CartApi", "dynamodb:PutItem", "CartsArn")
    assert shopping.add(house, ADA, "A", 1).status == 500
    assert refused(house) == {f"CartApi may not dynamodb:PutItem on {TABLE}-carts"}


def test_who_is_asked_needs_a_role_of_their_own_and_who_asks_the_right_to_ask(house, robbed):
    shopping.open_shop(house, {"A": 5})
    shopping.fill(house, ADA, {"A": 1})
    robbed("CatalogCommands", "dynamodb:UpdateItem", "CatalogArn")
    assert shopping.place_cart(house, ADA, "first").status >= 500
    assert refused(house) == {f"CatalogCommands may not dynamodb:UpdateItem on {TABLE}-catalog"}
    house.wire.refused.clear()
    robbed("OrdersApi", "lambda:InvokeFunction", "CatalogCommands")
    assert shopping.place_cart(house, ADA, "second").status >= 500
    (told,) = refused(house)
    assert told.startswith("OrdersApi may not lambda:InvokeFunction on arn:aws:lambda:")
