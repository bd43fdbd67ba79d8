"""Types of Stripe events that payments handles, and the objects that they refer to."""

import json

import pytest

from payments.domain.inbox import is_handled
from payments.tables import inbox
from tests.payments.payments_driver import post_webhook, signed


@pytest.mark.parametrize(
    "kind",
    [
        "payment_intent.created",
        "payment_intent.amount_capturable_updated",
        "payment_intent.canceled",
        "charge.captured",
        "charge.expired",
        "charge.refunded",
        "charge.refund.updated",
        "charge.dispute.created",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
        "refund.created",
        "refund.failed",
        "review.opened",
        "review.closed",
        "checkout.session.completed",
        "checkout.session.expired",
    ],
)
def test_events_that_can_change_a_payment_are_handled(kind):
    assert is_handled(kind)


@pytest.mark.parametrize(
    "kind", ["charge.succeeded", "charge.updated", "customer.created", "checkout", "a.new.thing", ""]
)
def test_other_events_are_not_handled(kind):
    assert not is_handled(kind)


@pytest.mark.parametrize(
    ("kind", "stripe_object", "intent_id", "payment_id"),
    [
        ("payment_intent.succeeded", {"id": "pi_1", "object": "payment_intent"}, "pi_1", None),
        ("charge.refunded", {"id": "ch_1", "object": "charge", "payment_intent": "pi_1"}, "pi_1", None),
        (
            "charge.dispute.created",
            {"id": "du_1", "object": "dispute", "payment_intent": "pi_1"},
            "pi_1",
            None,
        ),
        ("charge.dispute.created", {"id": "du_1", "object": "dispute", "payment_intent": None}, None, None),
        (
            "review.opened",
            {"id": "prv_1", "object": "review", "payment_intent": {"id": "pi_1"}},
            "pi_1",
            None,
        ),
        (
            "checkout.session.expired",
            {
                "id": "cs_1",
                "object": "checkout.session",
                "payment_intent": None,
                "metadata": {"payment_id": "pay_1"},
            },
            None,
            "pay_1",
        ),
        (
            "refund.updated",
            {"id": "re_1", "object": "refund", "payment_intent": "pi_1", "metadata": {"payment_id": "pay_1"}},
            "pi_1",
            "pay_1",
        ),
        ("refund.updated", {"id": "re_1", "payment_intent": "", "metadata": {"payment_id": 7}}, None, None),
        (
            "refund.updated",
            {"id": "re_1", "payment_intent": 7, "metadata": {"payment_id": "order#1"}},
            None,
            None,
        ),
        ("refund.updated", {"id": "re_1", "payment_intent": {}, "metadata": ["odd"]}, None, None),
    ],
)
def test_an_event_refers_to_an_intent_or_a_payment(driver, kind, stripe_object, intent_id, payment_id):
    body = json.dumps({"id": "evt_1", "type": kind, "created": 1, "data": {"object": stripe_object}}).encode()
    assert post_webhook(body, signed(body)).status == 200
    stored = inbox.event("evt_1")
    assert stored is not None
    assert (stored.intent_id, stored.payment_id, stored.status) == (intent_id, payment_id, "received")
