"""Helpers of all tests: environment, resources in moto, callers, requests, queue and stream events."""

import json
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urljoin
from uuid import uuid4

import boto3

from infra.cloudformation import read
from shared.contracts.events.envelope import Event

ROOT = Path(__file__).parent.parent
SERVICES = ("users", "catalog", "cart", "orders", "payments", "notify")
STAGE = "test"
ACCOUNT = "123456789012"
REGION = "eu-west-1"

Result = TypeVar("Result")

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",  # not checked by moto
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "STAGE": STAGE,
    "VERSION": "test",
    "SERVICE_NAME": "shop",
    "USERS_TABLE": "tillstack-test-users",
    "USERS_IDEMPOTENCY_TABLE": "tillstack-test-users-idempotency",
    "USERS_SIGNING_KEY_ARN": "alias/tillstack-test-tokens",
    "USERS_COMMANDS": "tillstack-test-users-commands",
    "CATALOG_TABLE": "tillstack-test-catalog",
    "CATALOG_IDEMPOTENCY_TABLE": "tillstack-test-catalog-idempotency",
    "CATALOG_COMMANDS": "tillstack-test-catalog-commands",
    "CART_TABLE": "tillstack-test-carts",
    "CART_IDEMPOTENCY_TABLE": "tillstack-test-carts-idempotency",
    "CART_COMMANDS": "tillstack-test-cart-commands",
    "CART_QUOTE_SECRET_ARN": "cart-quote",
    "ORDERS_TABLE": "tillstack-test-orders",
    "ORDERS_IDEMPOTENCY_TABLE": "tillstack-test-orders-idempotency",
    "ORDERS_COUNTERS_TABLE": "tillstack-test-orders-counters",
    "ORDERS_INVOICES_BUCKET": f"tillstack-test-invoices-{ACCOUNT}",
    "ORDERS_COMMANDS": "tillstack-test-orders-commands",
    "ORDERS_INVOICES": "tillstack-test-orders-invoices",
    "PAYMENTS_TABLE": "tillstack-test-payments",
    "PAYMENTS_IDEMPOTENCY_TABLE": "tillstack-test-payments-idempotency",
    "PAYMENTS_INBOX_TABLE": "tillstack-test-stripe-events",
    "PAYMENTS_STRIPE_SECRET_ARN": "payments-stripe",
    "PAYMENTS_WEBHOOK_SECRET_ARN": "payments-webhook",
    "PAYMENTS_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/tillstack-test-payments",
    "PAYMENTS_STRIPE_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/tillstack-test-stripe",
    "NOTIFY_TABLE": "tillstack-test-notifications",
    "NOTIFY_SENDER": "Tillstack <orders@tillstack.example>",
    "NOTIFY_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/tillstack-test-notify",
    "NOTIFY_UNSUBSCRIBE_SECRET_ARN": "notify-unsubscribe",
    "NOTIFY_STAFF": "staff@tillstack.example",
    "NOTIFY_API_URL": "https://api.tillstack.example/test",
} | {
    f"{service.upper()}_{name}": value
    for service in SERVICES
    for name, value in {
        "CURSOR_SECRET_ARN": f"{service}-cursor",
        "TOPIC_ARN": f"arn:aws:sns:{REGION}:{ACCOUNT}:tillstack-test-{service}",
    }.items()
}


def set_environment() -> None:
    """Set the environment of all services. Call it before importing a service."""
    os.environ.update(ENVIRONMENT)
    os.environ.pop("AWS_ENDPOINT_URL", None)


def _name(value: Any) -> str:
    text = value["Sub"] if isinstance(value, Mapping) else value
    return str(text).replace("${Stage}", STAGE).replace("${AWS::AccountId}", ACCOUNT)


def make_resources() -> None:
    """Create the resources of infra/*.yaml in moto, with secrets and the verified sender domain."""
    dynamodb, sns, sqs, kms, manager = (
        boto3.client(name, region_name=REGION) for name in ("dynamodb", "sns", "sqs", "kms", "secretsmanager")
    )
    for service in SERVICES:
        for resource in read(ROOT / "infra" / f"{service}.yaml").get("Resources", {}).values():
            kind, properties = resource["Type"], resource.get("Properties", {})
            if kind == "AWS::DynamoDB::Table":
                dynamodb.create_table(
                    TableName=_name(properties["TableName"]),
                    KeySchema=properties["KeySchema"],
                    AttributeDefinitions=properties["AttributeDefinitions"],
                    BillingMode="PAY_PER_REQUEST",
                    **{name: properties[name] for name in ("GlobalSecondaryIndexes",) if name in properties},
                )
            elif kind == "AWS::SNS::Topic":
                sns.create_topic(Name=_name(properties["TopicName"]))
            elif kind == "AWS::SQS::Queue":
                sqs.create_queue(QueueName=_name(properties["QueueName"]))
            elif kind == "AWS::S3::Bucket":
                boto3.client("s3", region_name=REGION).create_bucket(
                    Bucket=_name(properties["BucketName"]),
                    CreateBucketConfiguration={"LocationConstraint": REGION},
                )
            elif kind == "AWS::KMS::Key" and properties.get("KeySpec") == "ECC_NIST_P256":
                key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
                kms.create_alias(AliasName=f"alias/tillstack-{STAGE}-tokens", TargetKeyId=key)
    for name in ("cart-quote", "notify-unsubscribe", *(f"{service}-cursor" for service in SERVICES)):
        manager.create_secret(
            Name=name, SecretString=json.dumps({"key": f"a test key, 32 bytes or more: {name}"})
        )
    boto3.client("ses", region_name=REGION).verify_domain_identity(Domain="tillstack.example")
    manager.create_secret(Name="payments-stripe", SecretString=json.dumps({"api_key": "sk_test_local"}))
    manager.create_secret(Name="payments-webhook", SecretString=json.dumps({"current": "whsec_test_current"}))


@dataclass(frozen=True)
class Identity:
    """A caller, as the authorizer identifies it."""

    user_id: str
    roles: str
    email: str = ""

    @property
    def context(self) -> dict[str, str]:
        return {"user_id": self.user_id, "roles": self.roles, "session_id": "ses_test", "email": self.email}


def guest(user_id: str = "gst_1") -> Identity:
    return Identity(user_id, "guest")


def customer(user_id: str = "usr_1", email: str = "ada@example.com") -> Identity:
    return Identity(user_id, "customer", email)


def staff(user_id: str = "usr_staff") -> Identity:
    return Identity(user_id, "customer staff", "staff@example.com")


def admin(user_id: str = "usr_admin") -> Identity:
    return Identity(user_id, "customer admin", "admin@example.com")


@dataclass(frozen=True)
class Reply:
    """The response of a handler. `header` ignores case."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), None)


@dataclass(frozen=True)
class Context:
    """The parts of Lambda's context that handlers use."""

    aws_request_id: str = field(default_factory=lambda: str(uuid4()))
    function_name: str = "test"

    def get_remaining_time_in_millis(self) -> int:
        return 29_000


def gateway_event(
    api: Any,
    method: str,
    path: str,
    *,
    body: Any = None,
    raw: str | None = None,
    caller: Identity | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the event that API Gateway (REST, payload 1.0) sends to `api` for this request."""
    path, _, query = path.partition("?")
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    resource, variables = _match(api, path)
    multi: dict[str, list[str]] = {}
    for name, _, value in pairs:
        multi.setdefault(name, []).append(value)
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": {"Content-Type": "application/json"} | dict(headers or {}),
        "multiValueHeaders": {},
        "queryStringParameters": {name: values[-1] for name, values in multi.items()} or None,
        "multiValueQueryStringParameters": multi or None,
        "pathParameters": variables or None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": resource,
            "httpMethod": method,
            "path": f"/{STAGE}{path}",
            "requestId": str(uuid4()),
            "stage": STAGE,
            "identity": {"sourceIp": "127.0.0.1"},
            "authorizer": caller.context if caller else None,
        },
        "body": raw if raw is not None else (None if body is None else json.dumps(body)),
        "isBase64Encoded": False,
    }


def _match(api: Any, path: str) -> tuple[str, dict[str, str]]:
    parts = path.split("/")
    for resource in api.routes:
        names = resource.split("/")
        if len(names) == len(parts) and all(
            n == p or n.startswith("{") for n, p in zip(names, parts, strict=True)
        ):
            return resource, {
                n.strip("{}"): p for n, p in zip(names, parts, strict=True) if n.startswith("{")
            }
    raise AssertionError(f"no route for {path}")


def call(api: Any, method: str, path: str, **request: Any) -> Reply:
    """Send one request to the Lambda handler `api`, as API Gateway does."""
    response = api(gateway_event(api, method, path, **request), Context())
    return Reply(response["statusCode"], response["headers"], response["body"])


def created_path(requested: str, reply: Reply) -> str:
    """Return the path to which the response's Location leads from the requested path, below the stage."""
    base = f"https://api.example/{STAGE}"
    url = urljoin(base + requested, reply.header("Location") or "")
    assert url.startswith(f"{base}/"), url
    return url.removeprefix(base)


def idempotency_headers(key: str | None = None) -> dict[str, str]:
    """Return the Idempotency-Key header, by default with a new key."""
    return {"Idempotency-Key": key or str(uuid4())}


def run_concurrently(*jobs: Callable[[], Result]) -> list[Result]:
    """Start all jobs at the same time and return their results. Raises the first job's exception, if any."""
    barrier = threading.Barrier(len(jobs), timeout=60)

    def run(job: Callable[[], Result]) -> Result:
        barrier.wait()
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result() for future in [pool.submit(run, job) for job in jobs]]


def sqs_event(*bodies: str) -> dict[str, Any]:
    return {
        "Records": [
            {"messageId": f"m{n}", "body": body, "eventSource": "aws:sqs"} for n, body in enumerate(bodies)
        ]
    }


def deliver(consume: Callable[[Any, Any], Any], *events: Event) -> list[str]:
    """Pass events to a consumer as one SQS batch; return the ids of the failed messages."""
    response = consume(sqs_event(*(event.model_dump_json(exclude_none=True) for event in events)), Context())
    return [item["itemIdentifier"] for item in response["batchItemFailures"]]


def image(row: Any) -> dict[str, Any]:
    """Return the row as a stream image."""
    serialized: dict[str, Any] = row.serialize()
    return serialized


def stream_event(*changes: tuple[dict[str, Any] | None, dict[str, Any] | None]) -> dict[str, Any]:
    """Return the stream batch for pairs of (old image, new image)."""
    records = []
    for number, (old, new) in enumerate(changes):
        change: dict[str, Any] = {"SequenceNumber": str(number), "StreamViewType": "NEW_AND_OLD_IMAGES"}
        change |= {"OldImage": old} if old else {}
        change |= {"NewImage": new} if new else {}
        name = "MODIFY" if old and new else "INSERT" if new else "REMOVE"
        records.append({"eventID": str(number), "eventName": name, "dynamodb": change})
    return {"Records": records}
