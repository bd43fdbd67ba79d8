"""A deployed stage seen from outside: its tables, queues and files by their names, and its Stripe."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import stripe
from boto3.dynamodb.types import TypeDeserializer

ItemRow = dict[str, Any]
RUN = Path(__file__).resolve().parent.parent / ".local" / "run"  # where `make up` writes stage files


class Unknown(Exception):
    """What a person must know or put right before a tool can work; one sentence."""


@dataclass(frozen=True)
class Stage:
    """A deployed stage. The URLs are set for a local cloud only."""

    name: str
    session: Any
    endpoint_url: str | None = None
    stripe_url: str | None = None
    mailbox_url: str | None = None

    def client(self, service: str) -> Any:
        """Return a boto3 client for the stage's AWS account or engine."""
        options = {"endpoint_url": self.endpoint_url} if self.endpoint_url else {}
        return self.session.client(service, **options)

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
    return local_stage(options.name)


def local_stage(name: str) -> Stage:
    """Return the stage on the local cloud `name`, from the stage file that `make up` writes.

    Raises Unknown if there is no such file.
    """
    try:
        written = json.loads((RUN / name / "stage.json").read_text())
    except FileNotFoundError:
        raise Unknown(f"the local cloud '{name}' is not up; start it with `make up`") from None
    session = boto3.Session(
        aws_access_key_id=written["access_key_id"],
        aws_secret_access_key=written["secret_access_key"],
        region_name=written["region"],
    )
    return Stage(
        written["stage"], session, written["endpoint_url"], written["stripe_url"], written["mailbox_url"]
    )


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
