"""Stripe's rate limit: a 429 delays a message, uses up no try, and is a 503 for a request."""

import json
from typing import Any

import pytest

from payments import batches
from payments.app import apply, catch_up, consume
from payments.tables import inbox
from shared.contracts.events.orders import OrderCancelled
from tests.payments.samples import intent_state, paid_payment, refund_amounts
from tests.support import ENVIRONMENT, Context, deliver, sqs_event, staff

TIMES = 20  # more than the queue's tries
READ = {"path": "/v1/payment_intents/*", "method": "GET", "status": 429}


@pytest.fixture
def sent(driver, monkeypatch) -> list[dict[str, Any]]:
    """Record the messages that are sent to a queue."""
    messages: list[dict[str, Any]] = []

    class Queue:
        def send_message(self, **message: Any) -> None:
            messages.append(message)

    monkeypatch.setattr(batches, "client", lambda _: Queue())
    return messages


def test_an_event_that_is_rate_limited_is_sent_again_with_a_delay(driver, sent, capsys):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    [event] = driver.new_events()
    driver.post_event(event)
    [body] = driver.queued_messages()
    driver.break_stripe(**READ, times=TIMES)
    for _ in range(TIMES):
        assert apply.apply(sqs_event(body), Context()) == {"batchItemFailures": []}
    assert {(each["QueueUrl"], each["MessageBody"]) for each in sent} == {
        (ENVIRONMENT["PAYMENTS_STRIPE_QUEUE_URL"], body)
    }
    delays = {each["DelaySeconds"] for each in sent}
    assert len(delays) > 1, "messages that were rejected together are spread"
    assert batches.MIN_DELAY <= min(delays) <= max(delays) <= batches.MAX_DELAY
    output = capsys.readouterr().out
    assert "message postponed" in output
    assert '"level":"ERROR"' not in output
    [waiting] = driver.get("/admin/webhooks?status=received", staff()).json["items"]
    assert (waiting["event_id"], waiting["attempts"]) == (event["id"], 0)
    assert waiting["reason"] == "rate_limited"

    assert apply.apply(sqs_event(body), Context()) == {"batchItemFailures": []}
    assert driver.status(opened["payment_id"]) == "succeeded"
    [applied] = driver.get("/admin/webhooks?status=applied", staff()).json["items"]
    assert (applied["attempts"], applied["reason"]) == (1, None)


def test_a_rate_limited_event_is_not_queued_again_by_the_catch_up(driver, sent):
    driver.order()
    driver.confirm(driver.pay().json["provider_id"])
    for each in driver.new_events():
        driver.post_event(each)
    driver.break_stripe(**READ, times=1)
    driver.apply_without_relay()
    driver.advance(minutes=30)
    assert catch_up.catch_up({}, Context()) == {"stored": 0, "requeued": 0}


def test_a_rate_limit_does_not_undo_an_event_that_was_applied_meanwhile(driver, sent):
    driver.order()
    driver.confirm(driver.pay().json["provider_id"])
    for each in driver.new_events():
        driver.post_event(each)
    [body] = driver.queued_messages()
    event = inbox.event(json.loads(body)["event_id"])
    assert event is not None
    assert apply.apply(sqs_event(body), Context()) == {"batchItemFailures": []}
    inbox.mark_postponed(event)
    assert driver.inbox() == {event.event_id: "applied"}


def test_a_process_that_ends_after_the_copy_was_sent_refunds_once(driver, sent):
    payment_id, provider_id = paid_payment(driver)
    due = driver.refund_due(payment_id, 700)
    driver.break_stripe(path="/v1/refunds", method="POST", times=1, status=429)
    assert deliver(consume.consume, due) == []
    [copy] = sent
    assert copy["QueueUrl"] == ENVIRONMENT["PAYMENTS_QUEUE_URL"]
    assert refund_amounts(driver, provider_id) == []
    # The original is delivered again, because it was not deleted; then the copy.
    assert deliver(consume.consume, due) == []
    assert consume.consume(sqs_event(copy["MessageBody"]), Context()) == {"batchItemFailures": []}
    assert refund_amounts(driver, provider_id) == [700]


def test_a_message_whose_copy_cannot_be_sent_is_retried(driver, monkeypatch):
    payment_id, _ = paid_payment(driver)
    driver.break_stripe(path="/v1/payment_intents/*", method="GET", times=1, status=429)
    monkeypatch.setattr(batches, "client", lambda _: 1 / 0)
    assert deliver(consume.consume, driver.refund_due(payment_id, 700)) == ["m0"]


@pytest.mark.parametrize("status", [500, 401])
def test_other_failures_use_up_a_try(driver, sent, no_retries, status):
    paid_payment(driver)
    driver.break_stripe(path="/v1/payment_intents/*", method="GET", times=1, status=status)
    assert deliver(consume.consume, driver.order_ended(OrderCancelled)) == ["m0"]
    assert sent == []


def test_a_rate_limit_interrupts_the_sweeper_without_a_failure(driver, manual, capsys):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    driver.deliver_all()
    driver.break_stripe(path="/v1/payment_intents/*/capture", method="POST", times=1, status=429)
    assert deliver(consume.consume, driver.shipped(opened["payment_id"], 700)) == []
    driver.advance(minutes=6)
    driver.break_stripe(**READ, times=1)
    capsys.readouterr()
    driver.sweep()
    assert "SweeperFailures" not in capsys.readouterr().out
    driver.sweep()
    assert intent_state(driver, opened["provider_id"]) == ("requires_capture", 700, 1300)


def test_a_rate_limited_request_is_a_503_with_retry_after(driver):
    driver.order()
    driver.break_stripe(path="/v1/payment_intents", method="POST", times=1, status=429)
    rejected = driver.pay(key="k")
    assert (rejected.status, rejected.json["type"]) == (503, "/problems/stripe-unavailable")
    assert int(rejected.header("Retry-After") or 0) > 0
    assert driver.pay(key="k").status == 201
