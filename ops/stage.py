"""A deployed stage seen from outside: its tables, queues and files by their names, and its Stripe."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

import boto3
import stripe
from boto3.dynamodb.types import TypeDeserializer

ItemRow = dict[str, Any]


class Unknown(Exception):
    """What a person must know or put right before a tool can work; one sentence."""


@dataclass(frozen=True)
class Stage:
    """A stage of the shop. `stripe_url` and `mailbox` are None but on a local cloud."""

    name: str
    session: Any
    stripe_url: str | None = None
    mailbox: str | None = None

    def client(self, service: str) -> Any:
        """A client of boto3 (or of what a local cloud has in its place)."""
        return self.session.client(service)

    def table(self, name: str) -> Iterator[ItemRow]:
        """Every row of `tillstack-<stage>-<name>` in plain Python values, read consistently, page by page.

        A Scan: it costs half a read unit for each 4 KB of the table, and is for operators alone.
        """
        pages = self.client("dynamodb").get_paginator("scan")
        for page in pages.paginate(TableName=f"tillstack-{self.name}-{name}", ConsistentRead=True):
            for item in page["Items"]:
                yield plain(item)

    def queues(self) -> dict[str, str]:
        """The stage's queues: name → URL."""
        prefix = f"tillstack-{self.name}-"
        pages = self.client("sqs").get_paginator("list_queues").paginate(QueueNamePrefix=prefix)
        urls = [url for page in pages for url in page.get("QueueUrls", [])]
        return {url.rpartition("/")[2]: url for url in sorted(urls)}

    def files(self, bucket: str) -> Iterator[str]:
        """The keys in the bucket `tillstack-<stage>-<bucket>-<account>`, of which there is one at most."""
        s3 = self.client("s3")
        prefix = f"tillstack-{self.name}-{bucket}-"
        for found in s3.list_buckets()["Buckets"]:
            if found["Name"].startswith(prefix):
                for page in s3.get_paginator("list_objects_v2").paginate(Bucket=found["Name"]):
                    yield from (entry["Key"] for entry in page.get("Contents", []))

    @cached_property
    def stripe(self) -> Any:
        """Stripe's API (v1), opened with the stage's own key."""
        answer = self.client("secretsmanager").get_secret_value(SecretId=f"tillstack-{self.name}-stripe")
        key = json.loads(answer["SecretString"])["api_key"]
        if self.stripe_url:
            addresses: Any = {"api": self.stripe_url}
            return stripe.StripeClient(key, base_addresses=addresses, max_network_retries=2).v1
        return stripe.StripeClient(key, max_network_retries=2).v1


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options by which every tool is told its stage."""
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--stage", help="a stage on AWS (dev, staging, prod), by your own credentials")
    where.add_argument("--name", help="a local cloud, as `make up` calls it (dev)")


def chosen(options: argparse.Namespace) -> Stage:
    """The stage that the options name. Raises Unknown."""
    if options.stage:
        return Stage(options.stage, boto3.Session())
    # Only here: on AWS nothing of the local cloud is needed, nor installed.
    from localstack.cloud.local_cloud import Cloud, Trouble

    try:
        return of_local(Cloud.named(options.name))
    except Trouble as trouble:
        raise Unknown(str(trouble)) from None


def of_local(cloud: Any) -> Stage:
    """The stage that `make up` deployed to a local cloud (`localstack.cloud.local_cloud.Cloud`)."""
    return Stage("local", cloud.session, cloud.stripe, cloud.mailbox)


_reader = TypeDeserializer()


def plain(item: dict[str, Any]) -> ItemRow:
    """A row in Python's values; numbers are int where they are whole."""
    return {name: _whole(_reader.deserialize(value)) for name, value in item.items()}


def _whole(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else value
    if isinstance(value, dict):
        return {key: _whole(each) for key, each in value.items()}
    return [_whole(each) for each in value] if isinstance(value, list) else value
