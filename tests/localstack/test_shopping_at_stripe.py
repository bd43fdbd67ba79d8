"""The helpers of the journeys and the demo for the local Stripe."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
import stripe

from localstack.cloud import webhook
from localstack.demo import cards
from payments.domain.inbox import HANDLED


@pytest.fixture
def cloud(shop: Any) -> Any:
    """Return a fake cloud with Stripe's URL and a place for the webhook's secret."""
    stored = {"SecretString": "{}"}
    secrets = SimpleNamespace(
        get_secret_value=lambda **_: stored,
        put_secret_value=lambda **body: stored.update(SecretString=body["SecretString"]),
    )
    return SimpleNamespace(
        stripe_url=shop.url,
        api_url=lambda: "http://127.0.0.1:9",
        outputs=lambda: {"StripeWebhookSecretArn": "arn", "StripeEventTypes": ",".join(HANDLED)},
        client=lambda name: secrets,
        secrets=lambda: json.loads(stored["SecretString"]),
    )


def test_a_payment_is_confirmed_with_its_client_secret(shop: Any, cloud: Any) -> None:
    intent = shop.v1.payment_intents.create({"amount": 2000, "currency": "gbp"})
    payment = {"provider_id": intent.id, "client_secret": intent.client_secret}
    assert cards.confirm(cloud, payment, "pm_card_chargeDeclined")["error"]["code"] == "card_declined"
    assert cards.confirm(cloud, payment)["status"] == "succeeded"
    assert [each["id"] for each in cards.payment_intents(cloud)] == [intent.id]


def test_a_checkout_page_is_submitted(shop: Any, cloud: Any) -> None:
    line = {"price_data": {"currency": "gbp", "unit_amount": 500, "product_data": {"name": "Cup"}}}
    session = shop.v1.checkout.sessions.create({"line_items": [line], "success_url": "https://shop.example/"})
    assert cards.pay_session(session.url, "4000000000000002") == ""
    assert cards.pay_session(session.url) == "https://shop.example/"


def test_the_control_plane_can_be_called(shop: Any, cloud: Any) -> None:
    paid = shop.paid()
    assert cards.control(cloud, "dispute", payment_intent=paid.id, status="lost")["status"] == "lost"


def test_the_endpoint_subscribes_to_the_handled_types_and_no_others(shop: Any, cloud: Any) -> None:
    shop.v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/webhooks/stripe", "enabled_events": ["*"]})
    assert webhook.register(cloud)
    assert not webhook.register(cloud)
    (endpoint,) = shop.v1.webhook_endpoints.list().data
    assert endpoint.enabled_events == [*HANDLED]


def test_a_rolled_secret_is_stored_together_with_the_old_one(
    shop: Any, cloud: Any, receiver: Any, eventually: Any
) -> None:
    cloud.api_url = lambda: receiver.url
    assert webhook.register(cloud)
    first = cloud.secrets()["current"]
    webhook.roll(cloud)
    both = cloud.secrets()
    assert both["previous"] == first != both["current"]
    (endpoint,) = shop.v1.webhook_endpoints.list().data
    shop.v1.webhook_endpoints.update(endpoint.id, {"url": receiver.url})
    shop.paid()
    eventually(lambda: receiver.deliveries)
    for secret in both.values():
        stripe.Webhook.construct_event(receiver.deliveries[0].body, receiver.deliveries[0].signature, secret)
