"""A local Stripe per test, the real SDK as its client, and a receiver for its webhooks."""

import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import pytest
import stripe

from localstack.stripe.server import LocalStripe


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Prevents redirects from being followed."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)


class Delivery(NamedTuple):
    """A webhook delivery as it was received."""

    signature: str
    body: bytes

    @property
    def event(self) -> Any:
        return json.loads(self.body)


class WebhookReceiver:
    """A webhook endpoint that records deliveries. It returns `statuses`, one each, and then 200."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.statuses: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.deliveries.append(Delivery(self.headers["Stripe-Signature"], body))
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Log nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def of_type(self, type_: str) -> list[Delivery]:
        return [delivery for delivery in self.deliveries if delivery.event["type"] == type_]


@pytest.fixture
def eventually() -> Callable[..., None]:
    """Return a function that waits until a condition is true."""

    def wait(condition: Callable[[], Any], seconds: float = 6.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not true within {seconds} s"
            time.sleep(0.02)

    return wait


class Shop:
    """The SDK pointed at a local Stripe, and the emulator's control plane."""

    def __init__(self, local: LocalStripe) -> None:
        self.url = local.url
        self.http = stripe.RequestsClient()
        # The SDK's types do not permit the invalid parameters that tests send.
        self.v1: Any = self.client().v1

    def client(self, key: str = "sk_test_shop") -> stripe.StripeClient:
        return stripe.StripeClient(
            key, base_addresses={"api": self.url}, max_network_retries=0, http_client=self.http
        )

    def control(self, action: str, **body: Any) -> Any:
        request = urllib.request.Request(f"{self.url}/_emulator/{action}", json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=5) as response:
            return json.load(response)

    def read(self, name: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/_emulator/{name}", timeout=5) as response:
            return json.load(response)

    def page(self, url: str, **form: str) -> tuple[int, str, str]:
        """GET a page, or POST the form to it. Return the status, the text and the redirect's URL."""
        data = urllib.parse.urlencode(form).encode() if form else None
        try:
            with _OPENER.open(url, data, timeout=5) as response:
                return response.status, response.read().decode(), ""
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(), error.headers.get("Location", "")

    def paid(self, amount: int = 2000, card: str = "pm_card_visa", **more: Any) -> Any:
        return self.v1.payment_intents.create(
            {"amount": amount, "currency": "gbp", "confirm": True, "payment_method": card, **more}
        )

    def event_types(self) -> list[str]:
        """Return the event types, newest last."""
        return [event.type for event in self.v1.events.list({"limit": 100}).data][::-1]


@pytest.fixture
def local() -> Iterator[LocalStripe]:
    with LocalStripe() as running:
        yield running


@pytest.fixture
def shop(local: LocalStripe) -> Iterator[Shop]:
    shop = Shop(local)
    yield shop
    shop.http.close()


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    receiver = WebhookReceiver()
    thread = threading.Thread(target=receiver.server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()
    thread.join()
