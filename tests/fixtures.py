"""Fixtures of all tests: AWS in process, and the published events."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from shared.http.api import Api
from shared.runtime import secrets
from tests import document_checks, in_process, problem_checks
from tests.direct_dynamodb import call_dynamodb_directly
from tests.support import ACCOUNT, ENVIRONMENT, REGION, SERVICES, make_resources


@pytest.fixture(autouse=True, scope="session")
def realistic_moto() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        in_process.leave_requests_alone(patch)
        call_dynamodb_directly(patch, in_process.serialize_calls(patch))
        in_process.copy_only_written_rows(patch)
        in_process.record_inserts_once(patch)
        in_process.end_pages_like_dynamodb(patch)
        yield


@pytest.fixture(autouse=True, scope="session")
def declared_problems() -> Iterator[None]:
    """Fail every test in which an API function returns a problem that its route does not declare, or a
    response that the API document does not describe."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Api, "__call__", document_checks.checking(problem_checks.checking(Api.__call__)))
        yield


RESOURCES = in_process.Resources(make_resources)


@pytest.fixture(scope="module")
def resources() -> Iterator[in_process.Snapshot]:
    """Start AWS in process with the resources of infra/, which are created once per process."""
    secrets._cached.clear()
    with RESOURCES.in_use() as snapshot:
        yield snapshot
    secrets._cached.clear()


@pytest.fixture
def cloud(resources: in_process.Snapshot) -> None:
    """AWS in process with the empty resources of infra/."""
    secrets._cached.clear()
    resources.restore()


@pytest.fixture
def published(cloud: None) -> Callable[[str], list[dict[str, Any]]]:
    """Return a function that returns a service's events since its last call, oldest first:
    `published("orders")`."""
    sns, sqs = boto3.client("sns", region_name=REGION), boto3.client("sqs", region_name=REGION)
    urls: dict[str, str] = {}
    for service in SERVICES:
        topic = ENVIRONMENT[f"{service.upper()}_TOPIC_ARN"]
        if topic not in {entry["TopicArn"] for entry in sns.list_topics()["Topics"]}:
            continue
        urls[service] = sqs.create_queue(QueueName=f"listener-{service}")["QueueUrl"]
        sns.subscribe(
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:listener-{service}",
            Attributes={"RawMessageDelivery": "true"},
        )

    def receive(service: str) -> list[dict[str, Any]]:
        received: list[dict[str, Any]] = []
        while batch := sqs.receive_message(QueueUrl=urls[service], MaxNumberOfMessages=10).get("Messages"):
            for message in batch:
                received.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=urls[service], ReceiptHandle=message["ReceiptHandle"])
        return received

    return receive
