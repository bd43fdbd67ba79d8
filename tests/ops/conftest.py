"""Fixtures: a small shop with one order of each outcome, created by the services, and its audit."""

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
from ops.audit import Report
from ops.checks import CHECKS
from ops.snapshot import Snapshot, read_snapshot
from ops.stage import Stage
from shared.runtime import observability, secrets
from tests.simulator import deployment, shopping
from tests.simulator.shopping import ADA, BOB, GUEST
from tests.simulator.simulator import Simulator
from tests.support import ACCOUNT, REGION, STAGE


@dataclass(frozen=True)
class Shop:
    """The idle shop: its order ids by outcome, and access to its rows for tampering."""

    simulator: Simulator
    stage: Stage
    orders: dict[str, str]

    def snapshot(self) -> Snapshot:
        snapshot = read_snapshot(self.stage, self.simulator.now, timedelta(0))
        return replace(snapshot, emails=_read_mailbox())

    def audit(self, emails: Mapping[str, tuple[str, str]] | None = None) -> Report:
        """Run all checks, with these emails added to the mailbox."""
        snapshot = self.snapshot()
        snapshot = replace(snapshot, emails={**(snapshot.emails or {}), **(emails or {})})
        return {check.name: check.run(snapshot) for check in CHECKS}

    def differing(self) -> dict[str, list[str]]:
        """Return the subjects with differences by check."""
        return {
            name: sorted({each.subject for each in result.differences})
            for name, result in self.audit().items()
            if result.differences
        }

    def rows(self, table: str) -> list[dict[str, Any]]:
        return list(self.stage.table(table))

    def row(self, table: str, **wanted: Any) -> dict[str, Any]:
        """Return the first row with these values."""
        return next(row for row in self.rows(table) if wanted.items() <= row.items())

    def put(self, table: str, row: dict[str, Any]) -> None:
        self._table(table).put_item(Item=row)

    def delete(self, table: str, row: dict[str, Any]) -> None:
        keys = [part["AttributeName"] for part in self._table(table).key_schema]
        self._table(table).delete_item(Key={name: row[name] for name in keys})

    def remove_email(self, provider_id: str) -> None:
        """Remove an email from the mailbox."""
        sent = ses_backends[ACCOUNT][REGION].sent_messages
        sent[:] = [each for each in sent if each.id != provider_id]

    def _table(self, name: str) -> Any:
        return boto3.resource("dynamodb", region_name=REGION).Table(f"tillstack-{STAGE}-{name}")


@pytest.fixture(scope="module")
def prepared_shop() -> Iterator[tuple[Simulator, Stage, dict[str, str], deployment.Snapshot]]:
    level = observability.log.level
    observability.log.setLevel("ERROR")
    secrets._cached.clear()
    with moto.mock_aws(), LocalStripe() as local_stripe, pytest.MonkeyPatch.context() as patch:
        simulator = Simulator(local_stripe, patch)
        boto3.client("secretsmanager", region_name=REGION).create_secret(
            Name=f"tillstack-{STAGE}-stripe", SecretString=json.dumps({"api_key": "sk_test_audit"})
        )
        stage = Stage(STAGE, boto3.Session(region_name=REGION), stripe_url=local_stripe.url)
        orders = _create_orders(simulator)
        yield simulator, stage, orders, simulator.snapshot()
    secrets._cached.clear()
    observability.log.setLevel(level)


@pytest.fixture
def shop(prepared_shop: tuple[Simulator, Stage, dict[str, str], deployment.Snapshot]) -> Shop:
    simulator, stage, orders, prepared = prepared_shop
    simulator.reset(prepared)
    return Shop(simulator, stage, orders)


def _create_orders(simulator: Simulator) -> dict[str, str]:
    """Create one order of each outcome; return the order ids by outcome."""
    shopping.open_shop(simulator, {"A": 50, "B": 50})
    registered = {"email": "ada@example.com", "password": "a long enough one 9", "name": "Ada Lovelace"}
    assert simulator.call("users", "POST", "/users/register", registered).status == 201
    orders = {
        "expired": shopping.placed_order(simulator, GUEST, "A", 1, "1"),
    }
    shopping.open_payment(simulator, GUEST, orders["expired"], "2")
    simulator.advance(minutes=31)
    simulator.sweep()
    simulator.pump()

    shopping.fill(simulator, ADA, {"A": 1, "B": 1})
    shopping.put_coupon(simulator, ADA)
    orders["paid with a coupon"] = shopping.place_cart(simulator, ADA, "3").json["order_id"]
    simulator.pump()
    assert not shopping.pay(simulator, ADA, orders["paid with a coupon"], "pm_card_visa_chargeDeclined")
    simulator.pump()
    assert shopping.pay(simulator, ADA, orders["paid with a coupon"])
    simulator.pump()

    orders["cancelled"] = shopping.paid_order(simulator, BOB, "B", 2, "4")
    shopping.cancel(simulator, BOB, orders["cancelled"], "5")
    simulator.pump()

    orders["returned"] = order_id = shopping.paid_order(simulator, BOB, "A", 3, "6")
    shopping.ship(simulator, order_id, "7", {"A": 2})
    shopping.ship(simulator, order_id, "8")
    shopping.set_status(simulator, order_id, "delivered")
    simulator.pump()
    returned = shopping.request_return(simulator, BOB, order_id, {"A": 1}, "9").json["return_id"]
    for status in ("approved", "received"):
        shopping.decide_return(simulator, order_id, returned, status, status == "received" or None)
    simulator.pump()
    orders["waiting"] = shopping.placed_order(simulator, GUEST, "B", 1, "10")
    simulator.pump()
    assert not simulator.dead_letters
    simulator.advance(minutes=1)
    return orders


def _read_mailbox() -> dict[str, tuple[str, str]]:
    """Return the emails in the format of the local cloud's mailbox: message id → (to, subject)."""
    found = {}
    for sent in ses_backends[ACCOUNT][REGION].sent_messages:
        subject = message_from_string(sent.raw_data, policy=policy.default)["Subject"]
        found[sent.id.partition("@")[0]] = (", ".join(sorted({*sent.destinations})), str(subject))
    return found
