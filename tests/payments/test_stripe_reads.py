"""How often Stripe is read: once per event that names its payment."""

from typing import Any

import pytest
import stripe

from payments.service import syncing
from tests.payments.payments_driver import PaymentsDriver
from tests.payments.samples import paid_payment

INTENT = "payment_intents/{id}"


class Reads:
    """Records the reads of payments; those of the shopper and the tests are left out."""

    def __init__(self, driver: PaymentsDriver, monkeypatch: pytest.MonkeyPatch) -> None:
        self.driver, self.paths = driver, list[str]()
        request = stripe.RequestsClient.request

        def record(client: Any, method: str, url: str, headers: Any, *rest: Any, **more: Any) -> Any:
            if method == "get" and "sk_test_shopper" not in headers["Authorization"]:
                kind, _, object_id = url.partition("/v1/")[2].partition("?")[0].partition("/")
                self.paths.append(f"{kind}/{{id}}" if object_id else kind)
            return request(client, method, url, headers, *rest, **more)

        monkeypatch.setattr(stripe.RequestsClient, "request", record)

    def of(self, act: Any) -> list[str]:
        """Return the paths that `act` reads."""
        self.paths.clear()
        act()
        return [*self.paths]

    def of_events(self) -> dict[str, list[str]]:
        """Deliver the new events one by one; return the paths that the last one of each type reads."""
        found = {}
        for event in self.driver.new_events():
            self.driver.post_event(event)
            found[event["type"]] = self.of(self.driver.apply_events)
        return found


@pytest.fixture
def reads(driver, monkeypatch) -> Reads:
    return Reads(driver, monkeypatch)


def test_opening_a_payment_reads_nothing(driver, reads):
    driver.order()
    assert reads.of(driver.pay) == []


def test_opening_a_payment_reads_the_intent_if_stripe_repeats_its_response(driver, reads, monkeypatch):
    driver.order()
    with monkeypatch.context() as patch:
        patch.setattr(syncing, "sync_from_stripe", lambda *_, **__: 1 / 0)
        assert driver.pay().status == 500
    [created] = driver.stripe.payment_intents.list({}).data
    driver.stripe.payment_intents.cancel(created.id)  # the repeated response says that it can be paid
    assert reads.of(driver.pay) == [INTENT]
    [first, _] = driver.get("/payments?order_id=ord_1").json["items"]
    assert (first["provider_id"], first["status"]) == (created.id, "cancelled")


def test_a_payment_reads_its_intent_once(driver, reads):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    assert reads.of_events() == {"payment_intent.succeeded": [INTENT]}
    assert driver.status(opened["payment_id"]) == "succeeded"


def test_a_refund_of_the_shop_reads_the_intent_once_per_event(driver, reads):
    payment_id, _ = paid_payment(driver)
    assert driver.create_refund(payment_id).status == 201
    assert {*map(tuple, reads.of_events().values())} == {(INTENT,)}


def test_a_refund_that_was_created_in_stripe_reads_the_intent_twice(driver, reads):
    payment_id, provider_id = paid_payment(driver)
    driver.stripe.refunds.create({"payment_intent": provider_id, "amount": 100})
    assert reads.of_events()["refund.created"] == [INTENT, INTENT]
    assert driver.payment(payment_id).refunds.refunded == 100


def test_a_dispute_reads_the_intent_twice_and_the_disputes(driver, reads):
    _, provider_id = paid_payment(driver)
    driver.control_stripe("dispute", payment_intent=provider_id, status="needs_response")
    assert reads.of_events()["charge.dispute.created"] == [INTENT, INTENT, "disputes"]


def test_more_refunds_than_an_intent_includes_are_listed(driver, reads):
    payment_id, provider_id = paid_payment(driver)
    for _ in range(11):
        driver.stripe.refunds.create({"payment_intent": provider_id, "amount": 10})
    assert reads.of_events()["refund.created"] == [INTENT, INTENT, "refunds"]
    assert driver.payment(payment_id).refunds.refunded == 110
    assert len(driver.refunds(payment_id)) == 11
