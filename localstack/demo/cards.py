"""Calls to the local Stripe: payments as a browser makes them, its API and its control plane."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

from localstack.cloud.local_cloud import STRIPE_KEY, Cloud

PUBLISHABLE_KEY = STRIPE_KEY.replace("sk_", "pk_")


def confirm(cloud: Cloud, payment: dict[str, Any], card: str = "pm_card_visa") -> dict[str, Any]:
    """Confirm a payment with a test card as Stripe.js does, with the publishable key and the client secret.

    Return the PaymentIntent, or Stripe's error object (`{"error": {…}}`) if the card is declined.
    """
    form = {
        "client_secret": payment["client_secret"],
        "payment_method": card,
        "return_url": "http://127.0.0.1/",
    }
    path = f"/v1/payment_intents/{payment['provider_id']}/confirm"
    return stripe(cloud, "POST", path, PUBLISHABLE_KEY, urllib.parse.urlencode(form).encode())


def pay_session(url: str, number: str = "4242424242424242") -> str:
    """Submit a Checkout Session's page with a test card and return the URL of the redirect.

    It leads to the shop or to the bank's authentication page; it is empty if the page shows an error.
    """
    data = urllib.parse.urlencode({"email": "shopper@example.com", "number": number}).encode()
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        opener.open(urllib.request.Request(url, data), timeout=30).close()
    except urllib.error.HTTPError as error:
        with error:
            return str(error.headers.get("Location", ""))
    return ""


def control(cloud: Cloud, action: str, **body: Any) -> dict[str, Any]:
    """Call the local Stripe's control plane: `advance`, `dispute`, `review`, `refund`, `roll` …"""
    request = urllib.request.Request(f"{cloud.stripe_url}/_emulator/{action}", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=30) as response:
        result: dict[str, Any] = json.load(response)
    return result


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Does not follow redirects."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def payment_intents(cloud: Cloud) -> Iterator[dict[str, Any]]:
    """Return every PaymentIntent at Stripe, newest first."""
    page: dict[str, Any] = {"has_more": True, "data": []}
    while page["has_more"]:
        after = f"&starting_after={page['data'][-1]['id']}" if page["data"] else ""
        page = stripe(cloud, "GET", f"/v1/payment_intents?limit=100{after}")
        yield from page["data"]


def stripe(
    cloud: Cloud, method: str, path: str, key: str = STRIPE_KEY, data: bytes | None = None
) -> dict[str, Any]:
    """Call Stripe's API and return the object or the error object."""
    request = urllib.request.Request(cloud.stripe_url + path, data, method=method)
    request.add_header("Authorization", f"Bearer {key}")
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            found: dict[str, Any] = json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            found = json.load(error)
    return found
