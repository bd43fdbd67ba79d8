"""Redrive: all messages of a dead-letter queue move to its source queue."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import moto
import pytest
from botocore.exceptions import ClientError

from ops import redrive
from ops.stage import Stage
from tests.support import REGION

QUEUE, DEAD_LETTER_QUEUE = "tillstack-test-cart", "tillstack-test-cart-dlq"
FAILED_MESSAGES = 23


@dataclass
class Sqs:
    """moto's SQS, which has no StartMessageMoveTask; `refusal` is the error code of that call."""

    real: Any
    refusal: str | None = "InvalidAction"
    started: list[str] = field(default_factory=list)

    def __getattr__(self, name):
        return getattr(self.real, name)

    def start_message_move_task(self, SourceArn):
        if self.refusal:
            raise ClientError({"Error": {"Code": self.refusal, "Message": "?"}}, "StartMessageMoveTask")
        self.started.append(SourceArn)


@pytest.fixture
def stage(monkeypatch) -> Iterator[Stage]:
    with moto.mock_aws():
        sqs = Sqs(boto3.client("sqs", region_name=REGION))
        session = boto3.Session(region_name=REGION)
        monkeypatch.setattr(session, "client", lambda service: sqs)
        dead = sqs.create_queue(QueueName=DEAD_LETTER_QUEUE)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
        sqs.create_queue(QueueName=QUEUE, Attributes={"RedrivePolicy": policy})
        sqs.create_queue(QueueName="tillstack-test-relays-dlq")
        sqs.create_queue(QueueName="tillstack-prod-cart-dlq")
        for n in range(FAILED_MESSAGES):
            attribute = {"type": {"DataType": "String", "StringValue": f"order.{n}"}}
            sqs.send_message(QueueUrl=dead, MessageBody=f"event {n}", MessageAttributes=attribute)
        yield Stage("test", session)


def _receive_all(stage, queue):
    sqs, found = stage.client("sqs"), []
    while batch := sqs.receive_message(
        QueueUrl=stage.queues()[queue], MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    ).get("Messages"):
        found += [(message["Body"], message["MessageAttributes"]["type"]["StringValue"]) for message in batch]
    return sorted(found)


def test_every_message_is_moved_unchanged(stage):
    assert redrive.redrive(stage, DEAD_LETTER_QUEUE, QUEUE) == FAILED_MESSAGES
    assert _receive_all(stage, QUEUE) == sorted((f"event {n}", f"order.{n}") for n in range(FAILED_MESSAGES))
    assert _receive_all(stage, DEAD_LETTER_QUEUE) == []


def test_dead_letter_queues_are_those_of_the_stage_with_their_sources(stage):
    assert redrive.dead_letter_queues(stage) == {DEAD_LETTER_QUEUE: [QUEUE], "tillstack-test-relays-dlq": []}


def test_a_dry_run_moves_nothing(stage):
    line = redrive.process_queue(stage, DEAD_LETTER_QUEUE, [QUEUE], dry_run=True)
    assert line.split() == [str(FAILED_MESSAGES), "from", QUEUE]
    assert redrive.count(stage, DEAD_LETTER_QUEUE) == FAILED_MESSAGES


def test_a_stage_must_be_named(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["redrive"])
    with pytest.raises(SystemExit):
        redrive.main()
    assert "--stage" in capsys.readouterr().err


def test_sqs_moves_the_messages_if_it_can(stage):
    sqs = stage.client("sqs")
    sqs.refusal = None
    assert redrive.redrive(stage, DEAD_LETTER_QUEUE, QUEUE) == FAILED_MESSAGES
    assert [arn.rpartition(":")[2] for arn in sqs.started] == [DEAD_LETTER_QUEUE]
    assert redrive.count(stage, DEAD_LETTER_QUEUE) == FAILED_MESSAGES, "SQS moves the messages, not the tool"


def test_other_errors_of_sqs_are_raised(stage):
    stage.client("sqs").refusal = "AccessDenied"
    with pytest.raises(ClientError, match="AccessDenied"):
        redrive.redrive(stage, DEAD_LETTER_QUEUE, QUEUE)
    assert redrive.count(stage, DEAD_LETTER_QUEUE) == FAILED_MESSAGES
