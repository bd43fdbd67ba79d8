"""What every test may ask for: the cloud in process, calls that are atomic, and what was published."""

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import moto
import pytest
from moto.core.botocore_stubber import BotocoreStubber

from shared import secrets
from tests.support import ACCOUNT, ENVIRONMENT, REGION, SERVICES, make_resources


@pytest.fixture
def cloud() -> Iterator[None]:
    """AWS in process, empty but for what infra/ declares."""
    secrets._known.clear()
    with moto.mock_aws():
        make_resources()
        yield
    secrets._known.clear()


@pytest.fixture(autouse=True, scope="session")
def atomic() -> Iterator[None]:
    """Each call to AWS is atomic, which moto's threads are not; between calls they race as they like."""
    lock, answer = threading.RLock(), BotocoreStubber.__call__

    def one_at_a_time(self: BotocoreStubber, *args: Any, **kwargs: Any) -> Any:
        with lock:
            return answer(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BotocoreStubber, "__call__", one_at_a_time)
        yield


@pytest.fixture
def published(cloud: None) -> Callable[[str], list[dict[str, Any]]]:
    """`published("orders")`: the events said on a service's topic since the last look, oldest first."""
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

    def look(service: str) -> list[dict[str, Any]]:
        heard: list[dict[str, Any]] = []
        while batch := sqs.receive_message(QueueUrl=urls[service], MaxNumberOfMessages=10).get("Messages"):
            for message in batch:
                heard.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=urls[service], ReceiptHandle=message["ReceiptHandle"])
        return heard

    return look
