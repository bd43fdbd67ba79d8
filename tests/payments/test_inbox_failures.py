"""Events that could not be applied: seen with their reason, tried five times, replayed by staff."""

import json
from typing import Any

from payments.app import apply, reads
from payments.domain.inbox import EventStatus
from payments.tables import inbox
from tests.support import Context, call, sqs_event, staff

TRIES = 5  # the queue's maxReceiveCount


def paid(driver) -> tuple[str, dict]:
    """A payment that succeeded at Stripe, and the kept event that says so."""
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    [event] = [each for each in driver.stripe_events() if each["type"] == "payment_intent.succeeded"]
    driver.post_event(event)
    driver.forward_inbox()
    return opened["payment_id"], event


def failed(driver) -> Any:
    return driver.get("/admin/webhooks?status=failed", staff()).json["items"]


def test_what_failed_five_times_is_seen_with_its_reason_until_a_replay_clears_it(driver):
    payment_id, event = paid(driver)
    [body] = driver.queued_messages()
    driver.break_stripe(path="/v1/payment_intents/*", method="GET", times=TRIES, status=429)
    for _ in range(TRIES):
        answer = apply.apply(sqs_event(body), Context())
        assert answer["batchItemFailures"] == [{"itemIdentifier": "m0"}]
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

    # The first message, handed back from the dead-letter queue later, changes nothing more.
    before = driver.rows("PAYMENTS_INBOX_TABLE")
    assert apply.apply(sqs_event(body), Context()) == {"batchItemFailures": []}
    assert driver.rows("PAYMENTS_INBOX_TABLE") == before


def test_a_try_that_loses_to_one_that_applied_it_does_not_make_it_look_failed(driver):
    _, event = paid(driver)
    [body] = driver.queued_messages()
    assert apply.apply(sqs_event(body), Context()) == {"batchItemFailures": []}
    inbox.mark(event["id"], EventStatus.FAILED, "Contended")
    assert driver.inbox() == {event["id"]: "applied"}
    assert failed(driver) == []


def test_an_event_that_was_forgotten_meanwhile_is_not_made_anew_by_its_mark(driver):
    inbox.mark("evt_gone", EventStatus.FAILED, "StripeUnavailable")
    assert driver.inbox() == {}
