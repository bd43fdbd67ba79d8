"""Webhook deliveries, injected faults and the control plane."""

import contextlib
import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request

import pytest
import stripe


@pytest.fixture
def secret(shop, receiver):
    """Return the secret of an endpoint that receives all events."""
    return shop.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]}).secret


def test_deliveries_are_signed_over_timestamp_and_body(shop, receiver, secret, eventually):
    paid = shop.paid()
    eventually(lambda: len(receiver.deliveries) == 3)
    for delivery in receiver.deliveries:
        fields = dict(part.split("=", 1) for part in delivery.signature.split(","))
        signed = fields["t"].encode() + b"." + delivery.body
        assert fields["v1"] == hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        assert abs(int(fields["t"]) - time.time()) < 10
        assert (
            stripe.Webhook.construct_event(delivery.body, delivery.signature, secret).id
            == delivery.event["id"]
        )
    event = receiver.of_type("payment_intent.succeeded")[0].event
    assert event["data"]["object"]["id"] == paid.id
    assert event["data"]["object"]["client_secret"] == paid.client_secret
    assert (event["api_version"], event["livemode"], event["pending_webhooks"]) == (
        stripe.api_version,
        False,
        1,
    )
    assert set(event["request"]) == {"id", "idempotency_key"}
    eventually(lambda: shop.v1.events.retrieve(event["id"]).pending_webhooks == 0)


def test_a_rolled_secret_signs_together_with_the_old_one_for_a_day(shop, receiver, secret, eventually):
    def next_delivery():
        """Return the next delivery's number of signatures and the secrets that verify it."""
        count = len(receiver.deliveries)
        shop.v1.customers.create({})
        eventually(lambda: len(receiver.deliveries) == count + 1)
        delivery = receiver.deliveries[-1]
        valid = []
        for name, value in (("old", secret), ("new", rolled["secret"])):
            with contextlib.suppress(stripe.SignatureVerificationError):
                stripe.Webhook.construct_event(delivery.body, delivery.signature, value)
                valid.append(name)
        return delivery.signature.count("v1="), valid

    (rolled,) = shop.control("roll")["data"]
    assert rolled["secret"] != secret
    assert next_delivery() == (2, ["old", "new"])
    shop.control("advance", seconds=24 * 3600 + 1)
    assert next_delivery() == (1, ["new"])
    (again,) = shop.control("roll", endpoint=rolled["endpoint"], seconds=0)["data"]
    secret, rolled = rolled["secret"], again
    assert next_delivery() == (1, ["new"])


def test_signatures_use_the_real_time_after_the_clock_is_advanced(shop, receiver, secret, eventually):
    shop.control("advance", seconds=5 * 24 * 3600)
    shop.paid()
    eventually(lambda: len(receiver.deliveries) == 3)
    stripe.Webhook.construct_event(receiver.deliveries[0].body, receiver.deliveries[0].signature, secret)


def test_an_endpoint_receives_only_its_enabled_events(shop, receiver, eventually):
    endpoint = shop.v1.webhook_endpoints.create(
        {"url": receiver.url, "enabled_events": ["payment_intent.succeeded"]}
    )
    shop.paid()
    eventually(lambda: len(receiver.deliveries) == 1)
    assert "secret" not in shop.v1.webhook_endpoints.retrieve(endpoint.id).to_dict()
    shop.v1.webhook_endpoints.update(endpoint.id, {"disabled": True})
    shop.paid()
    shop.v1.webhook_endpoints.delete(endpoint.id)
    shop.paid()
    assert shop.read("deliveries")["counts"] == {"delivered": 1}


def test_a_delivery_that_is_not_accepted_is_retried(shop, receiver, secret, eventually):
    receiver.statuses = [500, 503]
    shop.v1.customers.create({})
    for attempt in (1, 2, 3):
        eventually(lambda attempt=attempt: len(receiver.deliveries) == attempt)
        eventually(lambda attempt=attempt: shop.read("deliveries")["data"][0]["attempts"] == attempt)
        shop.control("advance", seconds=5)  # to reach the next attempt
    assert len({delivery.event["id"] for delivery in receiver.deliveries}) == 1
    eventually(lambda: shop.read("deliveries")["counts"] == {"delivered": 1})
    assert shop.read("deliveries")["data"][0]["attempts"] == 3


def test_chaos_duplicates_deliveries(shop, receiver, secret, eventually):
    shop.control("chaos", duplicate=1)
    shop.v1.customers.create({})
    eventually(lambda: len(receiver.deliveries) == 2)
    assert receiver.deliveries[0].event["id"] == receiver.deliveries[1].event["id"]


def test_a_dropped_event_can_be_resent(shop, receiver, secret, eventually):
    shop.control("chaos", drop=1)
    shop.v1.customers.create({})
    (event,) = shop.v1.events.list().data
    assert shop.read("deliveries")["counts"] == {"dropped": 1}
    shop.control("resend", event=event.id)
    eventually(lambda: len(receiver.deliveries) == 1)
    assert receiver.deliveries[0].event["id"] == event.id


def test_events_are_listed_by_delivery_success(shop, receiver, secret, eventually):
    def listed(success):
        return [event.id for event in shop.v1.events.list({"delivery_success": success}).data]

    shop.control("chaos", duplicate=1)
    shop.v1.customers.create({})
    eventually(lambda: len(receiver.deliveries) == 2)
    (delivered,) = {delivery.event["id"] for delivery in receiver.deliveries}
    shop.control("chaos", drop=1)
    shop.v1.customers.create({})
    eventually(lambda: listed(True) == [delivered])
    (lost,) = listed(False)
    assert shop.v1.events.retrieve(lost).pending_webhooks == 1
    shop.control("chaos")
    shop.control("resend", event=lost)
    eventually(lambda: listed(True) == [lost, delivered])
    assert listed(False) == []
    assert shop.v1.events.retrieve(lost).pending_webhooks == 0


def test_chaos_delays_deliveries(shop, receiver, secret, eventually):
    shop.control("chaos", delay_max=1_000_000)
    shop.v1.customers.create({})
    assert shop.read("deliveries")["counts"] == {"pending": 1}
    shop.control("advance", seconds=1_000_000)
    eventually(lambda: len(receiver.deliveries) == 1)


def test_an_injected_error_replaces_the_call(shop):
    shop.control("faults", path="/v1/payment_intents", status=500, times=2)
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            shop.paid()
    assert shop.paid().status == "succeeded"
    assert len(shop.v1.payment_intents.list().data) == 1
    shop.control("faults", path="/v1/refunds", method="GET", status=429)
    with pytest.raises(stripe.RateLimitError):
        shop.v1.refunds.list()


def test_a_kept_error_is_replayed_for_its_idempotency_key_for_a_day(shop):
    params = {"amount": 2000, "currency": "gbp"}
    shop.control("faults", path="/v1/payment_intents", status=500, kept=True)
    for replayed in (None, "true"):
        with pytest.raises(stripe.APIError) as caught:
            shop.v1.payment_intents.create(params, {"idempotency_key": "order-7"})
        assert (caught.value.headers or {}).get("Idempotent-Replayed") == replayed
    assert shop.v1.payment_intents.create(params, {"idempotency_key": "order-8"}).amount == 2000
    shop.control("advance", seconds=25 * 3600)
    assert shop.v1.payment_intents.create(params, {"idempotency_key": "order-7"}).amount == 2000


def test_an_injected_error_has_the_requested_code(shop):
    held = shop.paid(capture_method="manual")
    code = "charge_expired_for_capture"
    shop.control("faults", path="/v1/payment_intents/*/capture", status=400, code=code)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.v1.payment_intents.capture(held.id)
    assert caught.value.code == code
    assert shop.v1.payment_intents.capture(held.id).status == "succeeded"


def test_a_lost_response_is_replayed_for_its_idempotency_key(shop):
    params = {"amount": 2000, "currency": "gbp", "confirm": True, "payment_method": "pm_card_visa"}
    key = {"idempotency_key": "order-7"}
    shop.control("faults", path="/v1/payment_intents", drop_after=True)
    with pytest.raises(stripe.APIConnectionError):
        shop.v1.payment_intents.create(params, key)
    paid = shop.v1.payment_intents.create(params, key)
    assert paid.last_response.headers["Idempotent-Replayed"] == "true"
    assert [each.id for each in shop.v1.payment_intents.list().data] == [paid.id]


def test_an_injected_latency_applies_once(shop):
    shop.control("faults", path="/v1/customers*", latency=0.3)
    started = time.monotonic()
    shop.v1.customers.list()
    assert time.monotonic() - started >= 0.3
    started = time.monotonic()
    shop.v1.customers.list()
    assert time.monotonic() - started < 0.3


def test_reset_deletes_everything(shop, receiver, secret):
    shop.paid()
    shop.control("advance", seconds=1000)
    shop.control("faults", path="/v1/*", status=500)
    shop.control("reset")
    for resource in (shop.v1.payment_intents, shop.v1.events, shop.v1.webhook_endpoints, shop.v1.charges):
        assert resource.list().data == []
    assert shop.read("deliveries") == {"counts": {}, "data": []}
    assert abs(shop.read("health")["now"] - time.time()) < 10


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("advance", {"seconds": -1}),
        ("chaos", {"luck": 1}),
        ("faults", {"path": "/v1/*"}),
        ("faults", {"path": "/v1/*", "status": 200}),
        ("resend", {"event": "evt_absent"}),
        ("roll", {"endpoint": "we_absent"}),
        ("roll", {"after": 3}),
        ("dance", {}),
    ],
)
def test_the_control_plane_rejects_invalid_requests_with_a_message(shop, action, body):
    with pytest.raises(urllib.error.HTTPError) as caught:
        shop.control(action, **body)
    with caught.value as error:
        assert error.code in (400, 404)
        assert json.load(error)["error"]["message"]


def test_web_pages_cannot_call_the_control_plane(shop):
    request = urllib.request.Request(f"{shop.url}/_emulator/reset", b"{}", {"Origin": "http://evil.example"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=5)
    caught.value.close()
    assert caught.value.code == 403
