"""API keys, parameters, idempotency, lists and the shapes of objects, checked with the pinned SDK."""

import json
import operator
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

import pytest
import stripe

from localstack.stripe.api import ROUTES
from localstack.stripe.generate_parameters import TABLE, generate
from localstack.stripe.parameters import API_VERSION
from localstack.stripe.server import LocalStripe
from tests.support import run_concurrently

GBP = {"amount": 2000, "currency": "gbp"}


def rejected(kind, call):
    with pytest.raises(kind) as caught:
        call()
    return caught.value


def test_the_parameter_table_matches_the_pinned_sdk():
    assert TABLE.read_text(encoding="utf-8") == generate(ROUTES)
    assert API_VERSION == stripe.api_version


def test_every_stripe_call_of_the_shop_is_supported():
    """Compare the SDK methods that the shop calls with the parameter types of the routes."""
    client, known = stripe.StripeClient("sk_test_x"), {route.params.rpartition(".")[2] for route in ROUTES}
    called = set()
    for path in (TABLE.parents[2] / "functions").rglob("*.py"):
        called |= set(re.findall(r"\bclient\.v1\.([a-z_.]+)\(", path.read_text(encoding="utf-8")))
    assert {"payment_intents.create", "payment_intents.retrieve", "refunds.create"} <= called
    for name in called:
        method = operator.attrgetter(name)(client.v1)
        params = re.findall(r"\w+Params", str(method.__annotations__["params"]))
        assert set(params) & known, name


def test_the_server_needs_only_the_standard_library(tmp_path):
    """Import it in an interpreter without site-packages."""
    root = TABLE.parents[2]
    code = f"import sys; sys.path.insert(0, {str(root)!r}); import localstack.stripe.__main__"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True, cwd=tmp_path)


@pytest.mark.parametrize("key", ["nonsense", "sk_live_1", "sk_test_"])
def test_a_key_that_is_not_a_test_key_gets_401(shop, key):
    error = rejected(stripe.AuthenticationError, lambda: shop.client(key).v1.customers.list())
    assert error.http_status == 401


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({**GBP, "foo": 1}, "parameter_unknown", "foo"),
        ({**GBP, "shipping": {"name": "A", "adress": {}}}, "parameter_missing", "shipping[address]"),
        ({**GBP, "automatic_payment_methods": {"enabled": True, "x": 1}}, "parameter_unknown", None),
        ({**GBP, "payment_method_types": ["card"]}, "parameter_unknown", "payment_method_types"),
        ({"amount": 2000}, "parameter_missing", "currency"),
        ({"amount": "12.50", "currency": "gbp"}, "parameter_invalid_integer", "amount"),
        ({"amount": 2000, "currency": ""}, "parameter_invalid_empty", "currency"),
        ({"amount": 2000, "currency": "abc"}, None, "currency"),
        ({**GBP, "capture_method": "never"}, None, "capture_method"),
        ({**GBP, "customer": "cus_absent"}, "resource_missing", "customer"),
    ],
)
def test_invalid_parameters_are_rejected_as_at_stripe(shop, params, code, param):
    error = rejected(stripe.InvalidRequestError, lambda: shop.v1.payment_intents.create(params))
    assert (error.http_status, error.code) == (400, code)
    assert param in (error.param, None)


def test_a_publishable_key_confirms_only_the_intent_of_its_client_secret(shop):
    intent = shop.v1.payment_intents.create({**GBP, "metadata": {"secret": "of the shop"}})
    other = shop.v1.payment_intents.create(GBP)

    def browse(path, **form):
        request = urllib.request.Request(
            f"{shop.url}/v1/{path}",
            urllib.parse.urlencode(form).encode() if form else None,
            {"Authorization": "Bearer pk_test_browser"},
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    assert browse("payment_intents")[0] == 401
    assert browse("refunds", payment_intent=intent.id)[0] == 401
    assert browse(f"payment_intents/{intent.id}")[0] == 400
    status, body = browse(f"payment_intents/{intent.id}/confirm", client_secret=other.client_secret)
    assert (status, body["error"]["code"]) == (400, "payment_intent_invalid_parameter")
    status, body = browse(f"payment_intents/{intent.id}?client_secret={intent.client_secret}")
    assert (status, body["status"]) == (200, "requires_payment_method")
    card = {
        "payment_method_data[type]": "card",
        "payment_method_data[card][number]": "4242 4242 4242 4242",
        "payment_method_data[card][exp_month]": "12",
        "payment_method_data[card][exp_year]": "40",
        "payment_method_data[card][cvc]": "123",
    }
    status, body = browse(f"payment_intents/{intent.id}/confirm", client_secret=intent.client_secret, **card)
    assert (status, body["status"]) == (200, "succeeded")
    assert not {"metadata", "customer", "latest_charge"} & set(body)


def test_the_first_response_to_an_idempotency_key_is_replayed_for_a_day(shop):
    key = {"idempotency_key": "order-1-attempt-1"}
    first = shop.v1.payment_intents.create(GBP, key)
    again = shop.v1.payment_intents.create(GBP, key)
    assert again.id == first.id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.last_response.headers
    error = rejected(
        stripe.IdempotencyError, lambda: shop.v1.payment_intents.create({**GBP, "amount": 1}, key)
    )
    assert error.http_status == 400
    shop.control("advance", seconds=24 * 3600 + 1)
    assert shop.v1.payment_intents.create(GBP, key).id != first.id


def test_a_decline_is_replayed_for_its_idempotency_key(shop):
    params = {**GBP, "confirm": True, "payment_method": "pm_card_chargeDeclined"}

    def pay():
        return shop.v1.payment_intents.create(params, {"idempotency_key": "k"})

    first, again = rejected(stripe.CardError, pay), rejected(stripe.CardError, pay)
    assert first.error.payment_intent["id"] == again.error.payment_intent["id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert shop.event_types().count("payment_intent.payment_failed") == 1


def test_invalid_parameters_do_not_use_up_the_idempotency_key(shop):
    key = {"idempotency_key": "k"}
    rejected(stripe.InvalidRequestError, lambda: shop.v1.payment_intents.create({"amount": 2000}, key))
    assert shop.v1.payment_intents.create(GBP, key).status == "requires_payment_method"


def test_simultaneous_calls_with_one_idempotency_key_run_once(shop):
    def call():
        created = shop.v1.payment_intents.create(GBP, {"idempotency_key": "double-click"})
        shop.http.close()
        return created.id

    assert len(set(run_concurrently(*[call] * 12))) == 1
    assert len(shop.v1.payment_intents.list().data) == 1


def test_simultaneous_refunds_never_exceed_the_payment(shop):
    paid = shop.paid()

    def refund():
        try:
            shop.v1.refunds.create({"payment_intent": paid.id, "amount": 500})
        except stripe.InvalidRequestError:
            return "refused"
        finally:
            shop.http.close()
        return "refunded"

    assert sorted(run_concurrently(*[refund] * 10)) == ["refunded"] * 4 + ["refused"] * 6


def test_lists_are_paged_in_both_directions(shop):
    ids = [shop.v1.customers.create({"email": f"{n}@example.com"}).id for n in range(7)][::-1]
    pages = shop.v1.customers.list({"limit": 3})
    assert ([each.id for each in pages.data], pages.has_more) == (ids[:3], True)
    assert [each.id for each in pages.auto_paging_iter()] == ids
    back = shop.v1.customers.list({"limit": 2, "ending_before": ids[4]})
    assert ([each.id for each in back.data], back.has_more) == (ids[2:4], True)
    assert shop.v1.customers.list({"email": "3@example.com"}).data[0].id == ids[3]
    rejected(stripe.InvalidRequestError, lambda: shop.v1.customers.list({"starting_after": "cus_absent"}))
    rejected(stripe.InvalidRequestError, lambda: shop.v1.customers.list({"limit": 101}))


def test_events_are_found_by_type_and_time(shop):
    shop.paid()
    shop.control("advance", seconds=3600)
    late = shop.paid()
    found = shop.v1.events.list({"types": ["payment_intent.succeeded", "charge.succeeded"]}).data
    assert len(found) == 4
    newest = shop.v1.events.list({"type": "payment_intent.succeeded", "created": {"gt": found[-1].created}})
    assert [event.data.object["id"] for event in newest.data] == [late.id]
    assert len(shop.v1.events.list({"type": "payment_intent.*"}).data) == 4
    both = {"type": "charge.succeeded", "types": ["charge.failed"]}
    assert rejected(stripe.InvalidRequestError, lambda: shop.v1.events.list(both)).param == "types"
    shop.control("advance", seconds=30 * 24 * 3600)
    assert shop.v1.events.list().data == []  # Stripe returns events of the last 30 days
    rejected(stripe.InvalidRequestError, lambda: shop.v1.events.retrieve(found[0].id))


def test_events_filtered_by_time_are_paged(shop):
    shop.paid()
    since = int(shop.read("health")["now"]) + 10
    shop.control("advance", seconds=20)
    late = [shop.paid().id for _ in range(3)]
    pages = shop.v1.events.list({"created": {"gte": since}, "type": "payment_intent.succeeded", "limit": 2})
    assert (len(pages.data), pages.has_more) == (2, True)
    assert [event.data.object["id"] for event in pages.auto_paging_iter()] == late[::-1]


@pytest.mark.parametrize("resource", ["payment_intents", "charges", "refunds", "disputes"])
def test_lists_are_filtered_by_creation_time(shop, resource):
    def created():
        intent = shop.paid(card="pm_card_createDisputeInquiry")
        shop.v1.refunds.create({"payment_intent": intent.id, "amount": 1})

    created()
    since = int(shop.read("health")["now"]) + 10
    shop.control("advance", seconds=20)
    created()
    service = getattr(shop.v1, resource)
    (late,) = service.list({"created": {"gte": since}}).data
    (early,) = service.list({"created": {"lt": since}}).data
    assert early.created < since <= late.created
    assert [each.id for each in service.list({"created": late.created}).data] == [late.id]


def test_expanding_a_field_that_is_not_expandable_is_rejected(shop):
    rejected(stripe.InvalidRequestError, lambda: shop.paid(expand=["latest_charge.nothing"]))
    deep = shop.v1.charges.list({"expand": ["data.payment_intent.payment_method"]})
    assert deep.data == []


def test_metadata_is_merged_and_empty_values_unset_keys(shop):
    customer = shop.v1.customers.create({"metadata": {"a": "1", "b": "2"}})
    changed = shop.v1.customers.update(customer.id, {"metadata": {"a": "", "c": "3"}})
    assert changed.metadata.to_dict() == {"b": "2", "c": "3"}


def test_objects_have_the_fields_that_the_sdk_declares(shop):
    paid = shop.paid(shipping={"name": "A", "address": {"line1": "1 High St"}})
    shop.paid(card="pm_card_createDispute")
    shop.paid(card="pm_card_riskLevelElevated")
    shop.v1.refunds.create({"payment_intent": paid.id})
    shop.v1.customers.create({})
    line = {"price_data": {"currency": "gbp", "unit_amount": 500, "product_data": {"name": "Cup"}}}
    session = shop.v1.checkout.sessions.create(
        {"line_items": [line], "success_url": "https://shop.example/", "expand": ["line_items"]}
    )
    created = [
        paid,
        shop.v1.charges.retrieve(paid.latest_charge),
        shop.v1.refunds.list().data[0],
        shop.v1.payment_methods.retrieve("pm_card_visa"),
        shop.v1.customers.list().data[0],
        shop.v1.disputes.list().data[0],
        shop.v1.events.list().data[0],
        shop.v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/", "enabled_events": ["*"]}),
        session,
        session.line_items.data[0],
        shop.v1.prices.list().data[0],
        shop.v1.products.list().data[0],
        shop.v1.balance_transactions.list().data[0],
        shop.v1.reviews.list().data[0],
    ]
    for thing in created:
        declared = {name: str(kind) for name, kind in type(thing).__annotations__.items()}
        optional = {name for name, kind in declared.items() if "None" in kind or "Optional" in kind}
        assert not set(thing.to_dict()) - set(declared), type(thing)
        assert not set(declared) - optional - set(thing.to_dict()) - {"OBJECT_NAME"}, type(thing)


def test_the_state_survives_a_restart(tmp_path, shop):
    with LocalStripe(state=tmp_path / "state") as first:
        shop.url = first.url
        intent = shop.client().v1.payment_intents.create(GBP, {"idempotency_key": "k"})
        shop.http.close()
    with LocalStripe(state=tmp_path / "state") as second:
        shop.url = second.url
        again = shop.client().v1.payment_intents.create(GBP, {"idempotency_key": "k"})
        shop.http.close()
    assert again.id == intent.id
