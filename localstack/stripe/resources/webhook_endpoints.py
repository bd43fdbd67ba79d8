"""Webhook endpoints and their signing secrets."""

from urllib.parse import urlsplit

from localstack.stripe import ids
from localstack.stripe.errors import Object, invalid
from localstack.stripe.paging import page
from localstack.stripe.resources import fields
from localstack.stripe.routing import Params, Route
from localstack.stripe.unit import Unit


def create(unit: Unit, params: Params) -> Object:
    """Create an endpoint. Only this response contains the secret."""
    secret = _secret()
    endpoint: Object = {
        "id": ids.new("we"),
        "object": "webhook_endpoint",
        "api_version": params.get("api_version"),
        "application": None,
        "created": unit.timestamp,
        "description": None,
        "enabled_events": _events(params["enabled_events"]),
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": _url(params["url"]),
        "_secret": secret,
    }
    fields.change(endpoint, params, ("description",))
    unit.save(endpoint)
    return {**endpoint, "secret": secret}


def update(unit: Unit, params: Params, id_: str) -> Object:
    endpoint = unit.get("webhook_endpoint", id_)
    if "url" in params:
        endpoint["url"] = _url(params["url"])
    if "enabled_events" in params:
        endpoint["enabled_events"] = _events(params["enabled_events"])
    if "disabled" in params:
        endpoint["status"] = "disabled" if params["disabled"] else "enabled"
    fields.change(endpoint, params, ("description",))
    unit.save(endpoint)
    return endpoint


def roll(unit: Unit, endpoint: Object, overlap: float) -> Object:
    """Give the endpoint a new secret. For `overlap` seconds the old one signs too.

    Source: https://docs.stripe.com/webhooks#roll-endpoint-secrets
    """
    endpoint["_previous_secret"], endpoint["_previous_until"] = endpoint["_secret"], unit.now + overlap
    endpoint["_secret"] = _secret()
    unit.save(endpoint)
    return {"endpoint": endpoint["id"], "secret": endpoint["_secret"], "until": int(unit.now + overlap)}


def _secret() -> str:
    return f"whsec_{ids.token(32)}"


def delete(unit: Unit, params: Params, id_: str) -> Object:
    unit.get("webhook_endpoint", id_)
    unit.store.remove(id_)
    return {"id": id_, "object": "webhook_endpoint", "deleted": True}


def retrieve(unit: Unit, params: Params, id_: str) -> Object:
    return unit.get("webhook_endpoint", id_)


def list_all(unit: Unit, params: Params) -> Object:
    return page(unit, "webhook_endpoint", params, "/v1/webhook_endpoints")


def _url(url: str) -> str:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or not url.isascii() or any(character <= " " for character in url):
        raise invalid("Invalid URL: URL must be an http or https URL.", code="url_invalid", param="url")
    return url


def _events(names: list[str]) -> list[str]:
    if not names:
        raise invalid(
            "enabled_events must have at least one event.", code="parameter_missing", param="enabled_events"
        )
    return names


ROUTES = [
    Route("POST", "/v1/webhook_endpoints", create, "WebhookEndpointCreateParams"),
    Route("GET", "/v1/webhook_endpoints", list_all, "WebhookEndpointListParams"),
    Route("GET", "/v1/webhook_endpoints/{id}", retrieve, "WebhookEndpointRetrieveParams"),
    Route("POST", "/v1/webhook_endpoints/{id}", update, "WebhookEndpointUpdateParams"),
    Route("DELETE", "/v1/webhook_endpoints/{id}", delete, "WebhookEndpointDeleteParams"),
]
