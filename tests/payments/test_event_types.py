"""Types of Stripe events that payments handles, and the objects that they refer to."""

import json
from typing import get_args

import pytest
from stripe.params import WebhookEndpointCreateParams

from infra.cloudformation import read
from payments.domain.inbox import HANDLED
from payments.tables import inbox
from tests.payments.payments_driver import post_webhook, signed
from tests.support import ROOT

MAX_TYPES = 20  # of the filter of Stripe's list of events


def test_the_catch_up_can_list_all_handled_types_at_once():
    assert len(HANDLED) <= MAX_TYPES


def test_a_webhook_endpoint_can_subscribe_to_all_handled_types():
    [known] = get_args(WebhookEndpointCreateParams.__annotations__["enabled_events"])
    assert HANDLED.keys() <= {*get_args(known)}


def test_the_stack_states_the_handled_types_and_no_others():
    output = read(ROOT / "template.yaml")["Outputs"]["StripeEventTypes"]
    assert output["Value"]["Join"][1] == [*HANDLED]


@pytest.mark.parametrize(
    ("kind", "stripe_object", "intent_id", "payment_id"),
    [
        ("payment_intent.succeeded", {"id": "pi_1", "object": "payment_intent"}, "pi_1", None),
        ("charge.captured", {"id": "ch_1", "object": "charge", "payment_intent": "pi_1"}, "pi_1", None),
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
