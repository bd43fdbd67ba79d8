"""Stripe's webhooks: verified, stored once, applied from the queue, listed and replayed by staff."""

import json

import boto3
import pytest

from payments.app import apply, reads, webhook
from payments.service import inbox_queue
from shared.runtime import clock
from tests.payments.payments_driver import post_webhook, signed
from tests.support import ENVIRONMENT, REGION, Context, call, customer, gateway_event, sqs_event, staff


def event(event_id: str = "evt_1", kind: str = "payment_intent.succeeded", **fields) -> bytes:
    fields = {"id": "pi_1", "object": "payment_intent"} | fields
    return json.dumps({"id": event_id, "type": kind, "created": 1, "data": {"object": fields}}).encode()


def test_a_signed_event_is_stored_once(driver):
    body = event()
    for _ in range(3):
        response = post_webhook(body, signed(body))
        assert (response.status, response.json) == (200, {"received": True})
    [row] = driver.rows("PAYMENTS_INBOX_TABLE").values()
    assert row["status"]["S"] == "received"
    assert not {"payload", "listed"} & row.keys()
    ninety_days = 90 * 24 * 3600
    assert abs(int(row["expires_at"]["N"]) - clock.epoch(clock.now()) - ninety_days) < 60


def test_an_event_without_a_current_signature_is_not_stored(driver):
    body, now = event(), clock.epoch(clock.now())
    headers = [
        None,
        "",
        "t=1,v1=abc",
        signed(body, "whsec_forged"),
        signed(body, at=now - 400),
        signed(body, at=now + 400),
        signed(event("evt_2")),
    ]
    for header in headers:
        response = post_webhook(body, header)
        assert (response.status, response.json["type"]) == (400, "/problems/bad-signature")
        assert response.header("Content-Type") == "application/problem+json"
    assert driver.inbox() == {}


@pytest.mark.parametrize("kind", ["payment_intent.created", "charge.succeeded", "a.new.thing"])
def test_other_types_are_answered_with_200_and_neither_stored_nor_queued(driver, kind):
    body = event(kind=kind)
    assert post_webhook(body, signed(body)).status == 200
    assert driver.inbox() == {}
    assert driver.queued_messages() == []


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"{}", event("not an id"), event(kind=""), event(event_id="evt_" + "x" * 300)],
)
def test_a_signed_body_that_is_not_an_event_is_rejected(driver, body):
    assert post_webhook(body, signed(body)).status == 400
    assert driver.inbox() == {}


def test_a_huge_body_is_rejected_and_a_large_one_is_stored(driver):
    huge, large = event(text="x" * 1_100_000), event(text="x" * 900_000)
    assert post_webhook(huge, signed(huge)).status == 413
    assert post_webhook(large, signed(large)).status == 200
    assert driver.inbox() == {"evt_1": "received"}


def test_the_signature_covers_the_exact_bytes(driver):
    body = '{ "id":"evt_1",\n "type":"payment_intent.x", "created":1, "data":{"object":{"name":"Ünï ☃"}} }'
    assert post_webhook(body.encode(), signed(body.encode())).status == 200
    request = gateway_event(webhook.api, "POST", "/webhooks/stripe", raw=body.replace("\n ", " "))
    request["headers"]["Stripe-Signature"] = signed(body.encode())
    assert webhook.api(request, Context())["statusCode"] == 400


def test_a_rotated_secret_is_read_at_once_but_at_most_every_10_seconds(driver, monkeypatch):
    first, second = event("evt_1"), event("evt_2")
    assert post_webhook(first, signed(first)).status == 200
    manager = boto3.client("secretsmanager", region_name=REGION)
    rolled = json.dumps({"current": "whsec_new", "previous": "whsec_test_current"})
    manager.put_secret_value(SecretId=ENVIRONMENT["PAYMENTS_WEBHOOK_SECRET_ARN"], SecretString=rolled)
    assert post_webhook(second, signed(second, "whsec_new")).status == 200
    assert post_webhook(second, signed(second)).status == 200

    manager.put_secret_value(
        SecretId=ENVIRONMENT["PAYMENTS_WEBHOOK_SECRET_ARN"], SecretString='{"current": "whsec_newer"}'
    )
    third = event("evt_3")
    # The secret was read less than 10 seconds ago.
    assert post_webhook(third, signed(third, "whsec_newer")).status == 400


def test_each_new_event_is_queued_and_applied_once(driver):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    assert driver.deliver_all() == ["payment.succeeded"]
    assert set(driver.inbox().values()) == {"applied"}
    for body in [json.dumps({"event_id": each}) for each in driver.inbox()]:
        assert apply.apply(sqs_event(body), Context()) == {"batchItemFailures": []}
    assert driver.published_types() == []
    assert driver.status(opened["payment_id"]) == "succeeded"


def test_a_repeated_event_is_not_applied_again(driver):
    driver.order()
    driver.confirm(driver.pay().json["provider_id"])
    driver.deliver_all()
    before = driver.rows("PAYMENTS_INBOX_TABLE")
    for each in driver.stripe_events():
        driver.post_event(each)
    bodies = [json.dumps({"event_id": event_id}) for event_id in before]
    assert apply.apply(sqs_event(*bodies), Context()) == {"batchItemFailures": []}
    assert driver.rows("PAYMENTS_INBOX_TABLE") == before


def test_an_event_that_fails_is_marked_as_failed_and_retried(driver):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    [paid] = [each for each in driver.stripe_events() if each["type"] == "payment_intent.succeeded"]
    driver.post_event(paid)
    [body] = driver.queued_messages()
    driver.break_stripe(path="/v1/payment_intents/*", method="GET", times=1, status=403)
    response = apply.apply(sqs_event("not JSON", body), Context())
    assert response == {"batchItemFailures": [{"itemIdentifier": "m0"}, {"itemIdentifier": "m1"}]}
    assert driver.inbox() == {paid["id"]: "failed"}
    [failed] = driver.get("/admin/webhooks?status=failed", staff()).json["items"]
    assert (failed["reason"], failed["attempts"]) == ("StripeUnavailable", 1)

    assert apply.apply(sqs_event(body), Context()) == {"batchItemFailures": []}
    assert driver.inbox() == {paid["id"]: "applied"}
    assert driver.status(opened["payment_id"]) == "succeeded"


def test_staff_can_list_and_replay_stored_events(driver):
    for number in range(3):
        body = event(f"evt_{number}")
        post_webhook(body, signed(body))
    driver.apply_events()  # Stripe has no pi_1
    page = driver.get("/admin/webhooks?status=ignored&limit=2", staff()).json
    rest = driver.get(f"/admin/webhooks?status=ignored&limit=2&cursor={page['next_cursor']}", staff()).json
    assert sorted(each["event_id"] for each in page["items"] + rest["items"]) == ["evt_0", "evt_1", "evt_2"]
    assert driver.get("/admin/webhooks?status=failed", staff()).json["items"] == []
    assert driver.get("/admin/webhooks?status=odd", staff()).status == 422
    assert driver.get("/admin/webhooks", customer()).status == 403

    replayed = call(reads.api, "POST", "/admin/webhooks/evt_0/replay", caller=staff())
    assert (replayed.status, replayed.json) == (202, {"event_id": "evt_0", "status": "received"})
    assert driver.queued_messages() == [
        json.dumps({"event_id": "evt_0", "request_id": _request_id(driver, "evt_0")})
    ]
    assert call(reads.api, "POST", "/admin/webhooks/evt_9/replay", caller=staff()).status == 404


def test_without_a_status_all_events_are_listed_by_status(driver):
    for number in range(3):
        body = event(f"evt_{number}")
        post_webhook(body, signed(body))
    driver.apply_events()  # Stripe has no pi_1
    for event_id in ("evt_0", "evt_1"):
        assert call(reads.api, "POST", f"/admin/webhooks/{event_id}/replay", caller=staff()).status == 202
    seen, cursor = [], ""
    while cursor is not None:
        page = driver.get(f"/admin/webhooks?limit=2{cursor and '&cursor='}{cursor}", staff()).json
        seen += [(each["status"], each["event_id"]) for each in page["items"]]
        cursor = page["next_cursor"]
    assert sorted(seen[:2]) == [("received", "evt_0"), ("received", "evt_1")]
    assert seen[2:] == [("ignored", "evt_2")]


def test_an_event_enters_the_list_with_its_outcome(driver):
    driver.order()
    driver.confirm(driver.pay().json["provider_id"])
    for each in driver.new_events():
        driver.post_event(each)
    assert driver.get("/admin/webhooks", staff()).json["items"] == []
    driver.apply_events()
    [listed] = driver.get("/admin/webhooks", staff()).json["items"]
    assert (listed["type"], listed["status"]) == ("payment_intent.succeeded", "applied")


def test_an_event_that_cannot_be_queued_is_a_503_and_queued_when_repeated(driver, monkeypatch):
    body = event()

    class FullQueue:
        def send_message_batch(self, Entries, **_):
            return {"Failed": Entries}

    with monkeypatch.context() as patch:
        patch.setattr(inbox_queue, "client", lambda _: FullQueue())
        assert post_webhook(body, signed(body)).status == 503
    assert driver.queued_messages() == []
    assert post_webhook(body, signed(body)).status == 200
    assert len(driver.queued_messages()) == 1


def _request_id(driver, event_id):
    return driver.rows("PAYMENTS_INBOX_TABLE")[event_id]["request_id"]["S"]
