"""Access to a deployed stage: its tables, queues, files and Stripe account."""

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


class StageError(Exception):
    """The stage cannot be used; the message says why and what to do."""


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
        """Yield every row of `tillstack-<stage>-<name>` in Python values, read consistently.

        This is a Scan, which costs one read unit per 4 KB of the table. Only operators may use it.
        """
        pages = self.client("dynamodb").get_paginator("scan")
        for page in pages.paginate(TableName=f"tillstack-{self.name}-{name}", ConsistentRead=True):
            for item in page["Items"]:
                yield to_python(item)

    def queues(self) -> dict[str, str]:
        """Return the URLs of the stage's queues by name."""
        prefix = f"tillstack-{self.name}-"
        pages = self.client("sqs").get_paginator("list_queues").paginate(QueueNamePrefix=prefix)
        urls = [url for page in pages for url in page.get("QueueUrls", [])]
        return {url.rpartition("/")[2]: url for url in sorted(urls)}

    def files(self, bucket: str) -> Iterator[str]:
        """Yield the keys in the bucket `tillstack-<stage>-<bucket>-<account>`, if it exists."""
        s3 = self.client("s3")
        prefix = f"tillstack-{self.name}-{bucket}-"
        for found in s3.list_buckets()["Buckets"]:
            if found["Name"].startswith(prefix):
                for page in s3.get_paginator("list_objects_v2").paginate(Bucket=found["Name"]):
                    yield from (entry["Key"] for entry in page.get("Contents", []))

    @cached_property
    def stripe(self) -> Any:
        """A client of Stripe's API (v1) with the stage's key."""
        answer = self.client("secretsmanager").get_secret_value(SecretId=f"tillstack-{self.name}-stripe")
        key = json.loads(answer["SecretString"])["api_key"]
        if self.stripe_url:
            addresses: Any = {"api": self.stripe_url}
            return stripe.StripeClient(key, base_addresses=addresses, max_network_retries=2).v1
        return stripe.StripeClient(key, max_network_retries=2).v1


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that select a stage."""
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--stage", help="a stage on AWS (dev, staging, prod); uses your AWS credentials")
    where.add_argument("--name", help="the name of a local cloud (`make up` starts `dev`)")


def stage_from_options(options: argparse.Namespace) -> Stage:
    """Return the stage that the options select. Raises StageError if it cannot be used."""
    if options.stage:
        return Stage(options.stage, boto3.Session())
    return local_stage(options.name)


def local_stage(name: str) -> Stage:
    """Return the stage on the local cloud `name`, from the stage file that `make up` writes.

    Raises StageError if there is no such file.
    """
    try:
        written = json.loads((RUN / name / "stage.json").read_text())
    except FileNotFoundError:
        raise StageError(f"the local cloud '{name}' is not up; start it with `make up`") from None
    session = boto3.Session(
        aws_access_key_id=written["access_key_id"],
        aws_secret_access_key=written["secret_access_key"],
        region_name=written["region"],
    )
    return Stage(
        written["stage"], session, written["endpoint_url"], written["stripe_url"], written["mailbox_url"]
    )


_reader = TypeDeserializer()


def to_python(item: dict[str, Any]) -> ItemRow:
    """Return a row in Python values; whole numbers are int."""
    return {name: _to_python_value(_reader.deserialize(value)) for name, value in item.items()}


def _to_python_value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else value
    if isinstance(value, dict):
        return {key: _to_python_value(each) for key, each in value.items()}
    return [_to_python_value(each) for each in value] if isinstance(value, list) else value
