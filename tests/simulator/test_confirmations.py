"""The confirmation and the invoice of a paid order in the whole shop: one email, or two if it is late."""

from datetime import timedelta
from random import Random

import pytest
from botocore.exceptions import EndpointConnectionError

from orders.invoicing import archive
from tests.notify import mailbox
from tests.simulator import invariants, shopping
from tests.simulator.shopping import ADA
from tests.simulator.simulator import Simulator
from tests.simulator.usage import Usage

ON_HAND = {"A": 5}
CONFIRMED, INVOICE = " is confirmed", "Your invoice "


@pytest.fixture
def shop(simulator):
    shopping.open_shop(simulator, ON_HAND)
    return simulator


def pay(shop) -> None:
    assert shopping.pay(shop, ADA, shopping.placed_order(shop, ADA, "A", 2))


def deliver_and_check(shop) -> None:
    shop.pump()
    invariants.check(shop, ON_HAND)


def wait_for_an_email(shop: Simulator) -> timedelta:
    """Deliver everything until an email was sent; return how long that took."""
    start = shop.now
    while not mailbox.emails():
        shop.pump(until_idle=False)
        if not shop._anything_due():
            shop.advance(seconds=1)
    return shop.now - start


@pytest.mark.parametrize("capture", ["automatic", "manual"])
def test_an_order_is_confirmed_and_invoiced_by_one_email(shop, capture):
    shop.capture = capture
    pay(shop)
    assert wait_for_an_email(shop) == timedelta(0)
    deliver_and_check(shop)
    (email,) = mailbox.emails()
    assert CONFIRMED in email.subject
    assert [name for name, _, _ in email.attachments] == ["2026-000001.pdf"]


def test_a_confirmation_with_its_invoice_costs_five_calls_and_four_write_units(shop, monkeypatch):
    usage = Usage(monkeypatch, lambda: shop.transport.running[0] if shop.transport.running else "")
    pay(shop)
    deliver_and_check(shop)
    assert (usage.calls["NotifyConsumer"], usage.units["NotifyConsumer"]) == (5, 4)
    runs = [name for name, _ in shop.invocations if name.startswith("Notify")]
    assert runs == ["NotifyConsumer"] * 3


def unavailable(*_: object) -> None:
    raise EndpointConnectionError(endpoint_url="https://s3.test")


@pytest.mark.parametrize("broken", ["the queue and the command", "the command"])
def test_a_broken_invoice_function_delays_a_confirmation_by_15_seconds(shop, monkeypatch, broken):
    pay(shop)
    with monkeypatch.context() as patch:
        if broken == "the command":
            shop.take_down("orders")
        else:
            patch.setattr(archive, "put", unavailable)
        assert wait_for_an_email(shop) == timedelta(seconds=15)
        shop.advance(minutes=1)
        shop.bring_up()
    deliver_and_check(shop)
    confirmation, invoice = mailbox.emails()
    assert CONFIRMED in confirmation.subject and confirmation.attachments == []
    assert INVOICE in invoice.subject and len(invoice.attachments) == 1


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_delayed_or_repeated_each_is_sent_once(shop, seed):
    pay(shop)
    shop.pump(chance=Random(seed))
    deliver_and_check(shop)
    sent = mailbox.emails()
    assert len(sent) in (1, 2)
    assert [CONFIRMED in email.subject for email in sent].count(True) == 1
    assert [bool(email.attachments) for email in sent].count(True) == 1
