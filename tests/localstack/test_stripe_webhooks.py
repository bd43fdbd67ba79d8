"""Webhooks are signed, retried, and as unruly as asked; calls fail as planned; reset forgets all of it."""

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
    """Of an endpoint that hears everything."""
    return shop.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]}).secret


def test_deliveries_are_signed_over_time_and_bytes(shop, receiver, secret, eventually):
    paid = shop.paid()
    eventually(lambda: len(receiver.deliveries) == 3)
    for deliveries in receiver.deliveries:
        fields = dict(part.split("=", 1) for part in deliveries.signature.split(","))
        signed = fields["t"].encode() + b"." + deliveries.body
        assert fields["v1"] == hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        assert abs(int(fields["t"]) - time.time()) < 10
        assert (
            stripe.Webhook.construct_event(deliveries.body, deliveries.signature, secret).id
            == deliveries.event["id"]
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


def test_a_rolled_secret_is_signed_with_beside_the_old_one_for_a_while(shop, receiver, secret, eventually):
    def deliveries():
        """The last delivery's number of signatures, and which of the secrets verify it."""
        count = len(receiver.deliveries)
        shop.v1.customers.create({})
        eventually(lambda: len(receiver.deliveries) == count + 1)
        delivery = receiver.deliveries[-1]
        fitting = []
        for name, value in (("old", secret), ("new", rolled["secret"])):
            with contextlib.suppress(stripe.SignatureVerificationError):
                stripe.Webhook.construct_event(delivery.body, delivery.signature, value)
                fitting.append(name)
        return delivery.signature.count("v1="), fitting

    (rolled,) = shop.control("roll")["data"]
    assert rolled["secret"] != secret
    assert deliveries() == (2, ["old", "new"])
    shop.control("advance", seconds=24 * 3600 + 1)
    assert deliveries() == (1, ["new"])
    (again,) = shop.control("roll", endpoint=rolled["endpoint"], seconds=0)["data"]
    secret, rolled = rolled["secret"], again
    assert deliveries() == (1, ["new"])


def test_signatures_hold_for_receivers_clocks_when_time_is_moved(shop, receiver, secret, eventually):
    shop.control("advance", seconds=5 * 24 * 3600)
    shop.paid()
    eventually(lambda: len(receiver.deliveries) == 3)
    stripe.Webhook.construct_event(receiver.deliveries[0].body, receiver.deliveries[0].signature, secret)


def test_an_endpoint_hears_what_it_asked_for(shop, receiver, eventually):
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


def test_what_is_not_taken_comes_again(shop, receiver, secret, eventually):
    receiver.statuses = [500, 503]
    shop.v1.customers.create({})
    for attempt in (1, 2, 3):
        eventually(lambda attempt=attempt: len(receiver.deliveries) == attempt)
        eventually(lambda attempt=attempt: shop.read("deliveries")["data"][0]["attempts"] == attempt)
        shop.control("advance", seconds=5)  # instead of waiting for the next one
    assert len({deliveries.event["id"] for deliveries in receiver.deliveries}) == 1
    eventually(lambda: shop.read("deliveries")["counts"] == {"delivered": 1})
    assert shop.read("deliveries")["data"][0]["attempts"] == 3


def test_chaos_duplicates(shop, receiver, secret, eventually):
    shop.control("chaos", duplicate=1)
    shop.v1.customers.create({})
    eventually(lambda: len(receiver.deliveries) == 2)
    assert receiver.deliveries[0].event["id"] == receiver.deliveries[1].event["id"]


def test_chaos_drops_and_resend_makes_good(shop, receiver, secret, eventually):
    shop.control("chaos", drop=1)
    shop.v1.customers.create({})
    (event,) = shop.v1.events.list().data
    assert shop.read("deliveries")["counts"] == {"dropped": 1}
    shop.control("resend", event=event.id)
    eventually(lambda: len(receiver.deliveries) == 1)
    assert receiver.deliveries[0].event["id"] == event.id


def test_events_that_were_not_delivered_are_told_apart(shop, receiver, secret, eventually):
    def listed(success):
        return [event.id for event in shop.v1.events.list({"delivery_success": success}).data]

    shop.control("chaos", duplicate=1)
    shop.v1.customers.create({})
    eventually(lambda: len(receiver.deliveries) == 2)
    (deliveries,) = {deliveries.event["id"] for deliveries in receiver.deliveries}
    shop.control("chaos", drop=1)
    shop.v1.customers.create({})
    eventually(lambda: listed(True) == [deliveries])
    (lost,) = listed(False)
    assert shop.v1.events.retrieve(lost).pending_webhooks == 1
    shop.control("chaos")
    shop.control("resend", event=lost)
    eventually(lambda: listed(True) == [lost, deliveries])
    assert listed(False) == []
    assert shop.v1.events.retrieve(lost).pending_webhooks == 0


def test_chaos_delays_until_time_comes(shop, receiver, secret, eventually):
    shop.control("chaos", delay_max=1_000_000)
    shop.v1.customers.create({})
    assert shop.read("deliveries")["counts"] == {"pending": 1}
    shop.control("advance", seconds=1_000_000)
    eventually(lambda: len(receiver.deliveries) == 1)


def test_a_planned_error_is_answered_instead_of_acting(shop):
    shop.control("faults", path="/v1/payment_intents", status=500, times=2)
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            shop.paid()
    assert shop.paid().status == "succeeded"
    assert len(shop.v1.payment_intents.list().data) == 1
    shop.control("faults", path="/v1/refunds", method="GET", status=429)
    with pytest.raises(stripe.RateLimitError):
        shop.v1.refunds.list()


def test_a_planned_error_that_is_kept_is_the_answer_to_its_key_for_a_day(shop):
    params = {"amount": 2000, "currency": "gbp"}
    shop.control("faults", path="/v1/payment_intents", status=500, kept=True)
    for replayed in (None, "true"):
        with pytest.raises(stripe.APIError) as caught:
            shop.v1.payment_intents.create(params, {"idempotency_key": "order-7"})
        assert (caught.value.headers or {}).get("Idempotent-Replayed") == replayed
    assert shop.v1.payment_intents.create(params, {"idempotency_key": "order-8"}).amount == 2000
    shop.control("advance", seconds=25 * 3600)
    assert shop.v1.payment_intents.create(params, {"idempotency_key": "order-7"}).amount == 2000


def test_a_planned_refusal_has_the_code_that_was_asked_for(shop):
    held = shop.paid(capture_method="manual")
    code = "charge_expired_for_capture"
    shop.control("faults", path="/v1/payment_intents/*/capture", status=400, code=code)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.v1.payment_intents.capture(held.id)
    assert caught.value.code == code
    assert shop.v1.payment_intents.capture(held.id).status == "succeeded"


def test_a_lost_answer_is_found_again_by_its_key(shop):
    params = {"amount": 2000, "currency": "gbp", "confirm": True, "payment_method": "pm_card_visa"}
    key = {"idempotency_key": "order-7"}
    shop.control("faults", path="/v1/payment_intents", drop_after=True)
    with pytest.raises(stripe.APIConnectionError):
        shop.v1.payment_intents.create(params, key)
    paid = shop.v1.payment_intents.create(params, key)
    assert paid.last_response.headers["Idempotent-Replayed"] == "true"
    assert [each.id for each in shop.v1.payment_intents.list().data] == [paid.id]


def test_a_slow_call_is_slow_once(shop):
    shop.control("faults", path="/v1/customers*", latency=0.3)
    started = time.monotonic()
    shop.v1.customers.list()
    assert time.monotonic() - started >= 0.3
    started = time.monotonic()
    shop.v1.customers.list()
    assert time.monotonic() - started < 0.3


def test_reset_forgets_everything(shop, receiver, secret):
    shop.paid()
    shop.control("advance", seconds=1000)
    shop.control("faults", path="/v1/*", status=500)
    shop.control("reset")
    for noun in (shop.v1.payment_intents, shop.v1.events, shop.v1.webhook_endpoints, shop.v1.charges):
        assert noun.list().data == []
    assert shop.read("deliveries") == {"counts": {}, "data": []}
    assert abs(shop.read("health")["now"] - time.time()) < 10


@pytest.mark.parametrize(
    ("verb", "asked"),
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
def test_the_control_plane_says_what_it_does_not_understand(shop, verb, asked):
    with pytest.raises(urllib.error.HTTPError) as caught:
        shop.control(verb, **asked)
    with caught.value as error:
        assert error.code in (400, 404)
        assert json.load(error)["error"]["message"]


def test_no_web_page_reaches_the_control_plane(shop):
    request = urllib.request.Request(f"{shop.url}/_emulator/reset", b"{}", {"Origin": "http://evil.example"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=5)
    caught.value.close()
    assert caught.value.code == 403
