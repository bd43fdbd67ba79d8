"""Tells the local Stripe where the deployed shop hears it, and the shop the secret that Stripe signs with."""

import json

import stripe

from localstack.cloud.local_cloud import STRIPE_KEY, Cloud
from localstack.demo import cards


def register(cloud: Cloud) -> bool:
    """Register `POST /webhooks/stripe` and keep its secret; False when both sides know each other already.

    A changed API has a new address: endpoints at the old ones are removed, for nobody answers there.
    """
    url = f"{cloud.api_url()}/webhooks/stripe"
    secret_id = cloud.outputs()["StripeWebhookSecretArn"]
    secrets = cloud.client("secretsmanager")
    endpoints = stripe.StripeClient(STRIPE_KEY, base_addresses={"api": cloud.stripe}).v1.webhook_endpoints
    known = secrets.get_secret_value(SecretId=secret_id)["SecretString"]
    registered = list(endpoints.list().data)
    if [endpoint.url for endpoint in registered] == [url] and '"whsec_' in known:
        return False
    for endpoint in registered:
        endpoints.delete(endpoint.id)
    created = endpoints.create({"url": url, "enabled_events": ["*"]})
    secrets.put_secret_value(SecretId=secret_id, SecretString=json.dumps({"current": created.secret}))
    return True


def roll(cloud: Cloud) -> None:
    """Have Stripe sign with a new secret, for a day with the old one too; the shop then takes both."""
    secret_id = cloud.outputs()["StripeWebhookSecretArn"]
    secrets = cloud.client("secretsmanager")
    known = json.loads(secrets.get_secret_value(SecretId=secret_id)["SecretString"])
    (rolled,) = cards.control(cloud, "roll")["data"]
    both = {"current": rolled["secret"], "previous": known["current"]}
    secrets.put_secret_value(SecretId=secret_id, SecretString=json.dumps(both))
