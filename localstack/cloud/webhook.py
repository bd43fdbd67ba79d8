"""Registration of the deployed shop's webhook endpoint at the local Stripe."""

import json
from typing import Any

import stripe

from localstack.cloud.local_cloud import STRIPE_KEY, Cloud
from localstack.demo import cards


def register(cloud: Cloud) -> bool:
    """Register `POST /webhooks/stripe` for the event types that the stack states, and store its signing
    secret. Return False if both were done before.

    A replaced API has a new URL, so endpoints at other URLs, or with other types, are deleted.
    """
    url = f"{cloud.api_url()}/webhooks/stripe"
    outputs = cloud.outputs()
    secret_id = outputs["StripeWebhookSecretArn"]
    types: Any = outputs["StripeEventTypes"].split(",")
    secrets = cloud.client("secretsmanager")
    endpoints = stripe.StripeClient(STRIPE_KEY, base_addresses={"api": cloud.stripe_url}).v1.webhook_endpoints
    known = secrets.get_secret_value(SecretId=secret_id)["SecretString"]
    registered = list(endpoints.list().data)
    if [(each.url, each.enabled_events) for each in registered] == [(url, types)] and '"whsec_' in known:
        return False
    for endpoint in registered:
        endpoints.delete(endpoint.id)
    created = endpoints.create({"url": url, "enabled_events": types})
    secrets.put_secret_value(SecretId=secret_id, SecretString=json.dumps({"current": created.secret}))
    return True


def roll(cloud: Cloud) -> None:
    """Roll the signing secret. For one day Stripe signs with both secrets and the shop accepts both."""
    secret_id = cloud.outputs()["StripeWebhookSecretArn"]
    secrets = cloud.client("secretsmanager")
    known = json.loads(secrets.get_secret_value(SecretId=secret_id)["SecretString"])
    (rolled,) = cards.control(cloud, "roll")["data"]
    both = {"current": rolled["secret"], "previous": known["current"]}
    secrets.put_secret_value(SecretId=secret_id, SecretString=json.dumps(both))
