"""What a shopper's browser does with a payment's client secret, and what Stripe says it took."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

from localstack.cloud import STRIPE_KEY, Cloud

PUBLISHABLE_KEY = STRIPE_KEY.replace("sk_", "pk_")


def confirm(cloud: Cloud, payment: dict[str, Any], card: str = "pm_card_visa") -> dict[str, Any]:
    """Pay with a test card, as Stripe.js would: publishable key and client secret. The PaymentIntent, or the
    error that Stripe answers (`{"error": {…}}`) where the card is declined."""
    form = {
        "client_secret": payment["client_secret"],
        "payment_method": card,
        "return_url": "http://127.0.0.1/",
    }
    path = f"/v1/payment_intents/{payment['provider_id']}/confirm"
    return stripe(cloud, "POST", path, PUBLISHABLE_KEY, urllib.parse.urlencode(form).encode())


def payment_intents(cloud: Cloud) -> Iterator[dict[str, Any]]:
    """Every PaymentIntent that Stripe holds, newest first."""
    page: dict[str, Any] = {"has_more": True, "data": []}
    while page["has_more"]:
        after = f"&starting_after={page['data'][-1]['id']}" if page["data"] else ""
        page = stripe(cloud, "GET", f"/v1/payment_intents?limit=100{after}")
        yield from page["data"]


def stripe(
    cloud: Cloud, method: str, path: str, key: str = STRIPE_KEY, data: bytes | None = None
) -> dict[str, Any]:
    """One call of Stripe's API; its errors are answers too."""
    request = urllib.request.Request(cloud.stripe + path, data, method=method)
    request.add_header("Authorization", f"Bearer {key}")
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            found: dict[str, Any] = json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            found = json.load(error)
    return found
