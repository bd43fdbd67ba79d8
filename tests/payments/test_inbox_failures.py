"""Stripe events that could not be applied: listed with a reason, retried, and replayed by staff."""

import json
from typing import Any

from payments.app import apply, reads
from payments.domain.inbox import EventStatus
from payments.tables import inbox
from tests.support import Context, call, sqs_event, staff

TRIES = 5  # the queue's maxReceiveCount


def paid(driver) -> tuple[str, dict]:
    """Pay at Stripe and store only the event of the success; return the payment's id and the event."""
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    [event] = [each for each in driver.stripe_events() if each["type"] == "payment_intent.succeeded"]
    driver.post_event(event)
    return opened["payment_id"], event


def failed(driver) -> Any:
    return driver.get("/admin/webhooks?status=failed", staff()).json["items"]


def test_a_failed_event_is_listed_with_its_reason_until_it_is_replayed(driver):
    payment_id, event = paid(driver)
    [body] = driver.queued_messages()
    driver.break_stripe(path="/v1/payment_intents/*", method="GET", times=TRIES, status=403)
    for _ in range(TRIES):
        response = apply.apply(sqs_event(body), Context())
        assert response["batchItemFailures"] == [{"itemIdentifier": "m0"}]
    [seen] = failed(driver)
    assert (seen["event_id"], seen["reason"], seen["attempts"]) == (event["id"], "StripeUnavailable", TRIES)
    assert driver.status(payment_id) == "requires_payment"

    replayed = call(reads.api, "POST", f"/admin/webhooks/{event['id']}/replay", caller=staff())
    assert replayed.status == 202
    assert failed(driver) == []
    [again] = driver.queued_messages()
    assert json.loads(again)["event_id"] == event["id"]
    assert apply.apply(sqs_event(again), Context()) == {"batchItemFailures": []}
    assert driver.status(payment_id) == "succeeded"
    [applied] = driver.get("/admin/webhooks?status=applied", staff()).json["items"]
    assert (applied["event_id"], applied["reason"]) == (event["id"], None)

    # A redrive of the first message changes nothing.
    before = driver.rows("PAYMENTS_INBOX_TABLE")
    assert apply.apply(sqs_event(body), Context()) == {"batchItemFailures": []}
    assert driver.rows("PAYMENTS_INBOX_TABLE") == before


def test_a_late_failure_does_not_overwrite_an_applied_event(driver):
    _, event = paid(driver)
    [body] = driver.queued_messages()
    assert apply.apply(sqs_event(body), Context()) == {"batchItemFailures": []}
    inbox.mark(event["id"], EventStatus.FAILED, "ConcurrentUpdate")
    assert driver.inbox() == {event["id"]: "applied"}
    assert failed(driver) == []


def test_marking_a_deleted_event_does_not_create_it_again(driver):
    inbox.mark("evt_gone", EventStatus.FAILED, "StripeUnavailable")
    assert driver.inbox() == {}
