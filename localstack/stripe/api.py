"""The API: authentication, routing, parameters, idempotency and responses."""

import base64
import hmac
import re
from dataclasses import dataclass, field
from typing import Any

from localstack.stripe import forms, ids, parameters
from localstack.stripe.errors import CardError, Object, StripeError, invalid
from localstack.stripe.expand import expand
from localstack.stripe.idempotency import Response, fingerprint, replay_or_run
from localstack.stripe.resources import (
    balance_transactions,
    charges,
    checkout,
    customers,
    disputes,
    events,
    payment_intents,
    payment_methods,
    products,
    refunds,
    reviews,
    webhook_endpoints,
)
from localstack.stripe.routing import Route
from localstack.stripe.store import Store
from localstack.stripe.unit import Unit, public

ROUTES: list[Route] = [
    route
    for resource in (
        payment_intents,
        payment_methods,
        customers,
        charges,
        refunds,
        events,
        webhook_endpoints,
        disputes,
        reviews,
        balance_transactions,
        products,
        checkout,
    )
    for route in resource.ROUTES
]


@dataclass(frozen=True)
class Request:
    """An HTTP request. Header names are lower-case; `text` is the query of a GET or DELETE, else the body."""

    method: str
    path: str
    text: str
    headers: dict[str, str]
    base_url: str
    id: str = field(default_factory=lambda: ids.new("req"))


def respond(store: Store, request: Request, now: float, override: Response | None = None) -> Response:
    """Return the API's response, errors included; its effects are in the store by then.

    `override` is returned instead of running the request, and is stored under its idempotency key.
    """
    try:
        publishable = _authenticate(request.headers)
        route, path_ids = _route(request)
        if publishable and not route.publishable:
            raise StripeError(
                401,
                "This API call cannot be made with a publishable API key. Please use a secret API key.",
                code="secret_key_required",
            )
        form = forms.decode(request.text)
        client_secret = form.pop("client_secret", "") if publishable else ""
        params = parameters.check(route.params, form)
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        unit = Unit(store, now, request.base_url, request.id, key)
        with store.transaction():
            if publishable:
                _require_client_secret(unit, path_ids[0], client_secret)
            request_fingerprint = fingerprint(request.method, request.path, params)
            return replay_or_run(
                store,
                key,
                request_fingerprint,
                request.id,
                now,
                lambda: override or _run_handler(unit, route, params, path_ids, publishable),
            )
    except StripeError as error:
        return Response(error.status, error.body())


def _authenticate(headers: dict[str, str]) -> bool:
    """Return whether the key is publishable. Raises a 401 if it is not a test key."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    key = value.strip()
    if scheme.lower() == "basic":
        try:
            key = base64.b64decode(key, validate=True).decode().partition(":")[0]
        except ValueError:
            key = ""
    if not key:
        raise StripeError(
            401,
            "You did not provide an API key. You need to provide your API key in the Authorization header,"
            " using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
        )
    if not re.fullmatch(r"(sk|rk|pk)_test_\w+", key):
        raise StripeError(401, f"Invalid API Key provided: {key[:3]}***")
    return key.startswith("pk_")


def _route(request: Request) -> tuple[Route, tuple[str, ...]]:
    for route in ROUTES:
        found = route.match(request.method, request.path)
        if found is not None:
            return route, found
    raise StripeError(
        404,
        f"Unrecognized request URL ({request.method}: {request.path[:120]})."
        " The local Stripe's README lists what it supports.",
    )


def _require_client_secret(unit: Unit, intent_id: str, client_secret: Any) -> None:
    intent = unit.get("payment_intent", intent_id)
    if not client_secret:
        raise invalid(
            "Missing required param: client_secret.", code="parameter_missing", param="client_secret"
        )
    if not hmac.compare_digest(str(client_secret).encode(), intent["client_secret"].encode()):
        raise invalid(
            "The client_secret provided does not match the client_secret associated with the PaymentIntent.",
            code="payment_intent_invalid_parameter",
            param="client_secret",
        )


def _run_handler(
    unit: Unit, route: Route, params: dict[str, Any], path_ids: tuple[str, ...], publishable: bool
) -> Response:
    """Run the handler. A CardError keeps its writes, any other error rolls them back."""
    paths = params.pop("expand", [])
    try:
        with unit.store.attempt():
            decline: CardError | None = None
            try:
                result = route.handler(unit, params, *path_ids)
            except CardError as error:
                decline = error
            if decline is None:
                return Response(200, _visible(expand(unit, result, paths), publishable))
    except StripeError as error:
        return Response(error.status, _visible_error(error, publishable))
    return Response(decline.status, _visible_error(decline, publishable))


def _visible(result: Object, publishable: bool) -> Object:
    visible: Object = public(result)
    if publishable:
        return {name: value for name, value in visible.items() if name in payment_intents.PUBLISHABLE_FIELDS}
    return visible


def _visible_error(error: StripeError, publishable: bool) -> Object:
    body = error.body()
    if publishable and "payment_intent" in body["error"]:
        body["error"]["payment_intent"] = _visible(body["error"]["payment_intent"], publishable)
    return body
