"""A small shop in which everything happened once, made by the services' own code; and its audit."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from email import message_from_string, policy
from typing import Any

import boto3
import moto
import pytest
from moto.ses.models import ses_backends

from localstack.stripe.server import LocalStripe
from ops import books
from ops.audit import Report
from ops.books import Books
from ops.checks import CHECKS
from ops.stage import Stage
from shared import observe, secrets
from tests.shop import shopping
from tests.shop.deployment import Kept
from tests.shop.house import House
from tests.shop.shopping import ADA, BOB, GUEST
from tests.support import ACCOUNT, REGION, STAGE


@dataclass(frozen=True)
class Shop:
    """The shop at rest: orders by what became of them; its rows, to be tampered with."""

    house: House
    stage: Stage
    orders: dict[str, str]

    def books(self) -> Books:
        return replace(books.read(self.stage, self.house.now, timedelta(0)), mail=_mail())

    def audit(self, mail: Mapping[str, tuple[str, str]] | None = None) -> Report:
        """With these mails in the mailbox beside those that are there."""
        found = self.books()
        found = replace(found, mail={**(found.mail or {}), **(mail or {})})
        return {check.name: check.answer(found) for check in CHECKS}

    def differing(self) -> dict[str, list[str]]:
        """The checks that fail, with the subjects that do."""
        return {
            name: sorted({each.subject for each in tally.differences})
            for name, tally in self.audit().items()
            if tally.differences
        }

    def rows(self, table: str) -> list[dict[str, Any]]:
        return list(self.stage.table(table))

    def row(self, table: str, **wanted: Any) -> dict[str, Any]:
        """The first row with these values."""
        return next(row for row in self.rows(table) if wanted.items() <= row.items())

    def put(self, table: str, row: dict[str, Any]) -> None:
        self._table(table).put_item(Item=row)

    def delete(self, table: str, row: dict[str, Any]) -> None:
        keys = [part["AttributeName"] for part in self._table(table).key_schema]
        self._table(table).delete_item(Key={name: row[name] for name in keys})

    def forget_mail(self, provider_id: str) -> None:
        """Have it not arrived."""
        sent = ses_backends[ACCOUNT][REGION].sent_messages
        sent[:] = [each for each in sent if each.id != provider_id]

    def _table(self, name: str) -> Any:
        return boto3.resource("dynamodb", region_name=REGION).Table(f"tillstack-{STAGE}-{name}")


@pytest.fixture(scope="module")
def furnished() -> Iterator[tuple[House, Stage, dict[str, str], Kept]]:
    level = observe.log.log_level
    observe.log.setLevel("ERROR")
    secrets._known.clear()
    with moto.mock_aws(), LocalStripe() as local_stripe, pytest.MonkeyPatch.context() as patch:
        house = House(local_stripe, patch)
        boto3.client("secretsmanager", region_name=REGION).create_secret(
            Name=f"tillstack-{STAGE}-stripe", SecretString=json.dumps({"api_key": "sk_test_audit"})
        )
        stage = Stage(STAGE, boto3.Session(region_name=REGION), local_stripe.url)
        orders = _everything_happens(house)
        yield house, stage, orders, house.keep()
    secrets._known.clear()
    observe.log.setLevel(level)


@pytest.fixture
def shop(furnished: tuple[House, Stage, dict[str, str], Kept]) -> Shop:
    house, stage, orders, kept = furnished
    house.reset(kept)
    return Shop(house, stage, orders)


def _everything_happens(house: House) -> dict[str, str]:
    """One order each of what may become of one; the id by that."""
    shopping.open_shop(house, {"A": 50, "B": 50})
    registered = {"email": "ada@example.com", "password": "a long enough one 9", "name": "Ada Lovelace"}
    assert house.call("users", "POST", "/users/register", registered).status == 201
    orders = {
        "expired": shopping.placed(house, GUEST, "A", 1, "1"),
    }
    shopping.open_payment(house, GUEST, orders["expired"], "2")
    house.advance(minutes=31)
    house.sweep()
    house.pump()

    shopping.fill(house, ADA, {"A": 1, "B": 1})
    shopping.put_coupon(house, ADA)
    orders["paid with a coupon"] = shopping.place_cart(house, ADA, "3").json["order_id"]
    house.pump()
    assert not shopping.pay(house, ADA, orders["paid with a coupon"], "pm_card_visa_chargeDeclined")
    house.pump()
    assert shopping.pay(house, ADA, orders["paid with a coupon"])
    house.pump()

    orders["cancelled"] = shopping.paid(house, BOB, "B", 2, "4")
    shopping.cancel(house, BOB, orders["cancelled"], "5")
    house.pump()

    orders["returned"] = order_id = shopping.paid(house, BOB, "A", 3, "6")
    shopping.ship(house, order_id, "7", {"A": 2})
    shopping.ship(house, order_id, "8")
    shopping.set_status(house, order_id, "delivered")
    house.pump()
    returned = shopping.ask_to_return(house, BOB, order_id, {"A": 1}, "9").json["return_id"]
    for status in ("approved", "received"):
        shopping.settle_return(house, order_id, returned, status, status == "received" or None)
    house.pump()
    orders["waiting"] = shopping.placed(house, GUEST, "B", 1, "10")
    house.pump()
    assert not house.dead
    house.advance(minutes=1)
    return orders


def _mail() -> dict[str, tuple[str, str]]:
    """The mailbox as a local cloud's shows it."""
    found = {}
    for sent in ses_backends[ACCOUNT][REGION].sent_messages:
        subject = message_from_string(sent.raw_data, policy=policy.default)["Subject"]
        found[sent.id.partition("@")[0]] = (", ".join(sorted({*sent.destinations})), str(subject))
    return found
