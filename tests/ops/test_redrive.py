"""What was given up goes back to where it came from: all of it, and nowhere else."""

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

QUEUE, DEAD = "tillstack-test-cart", "tillstack-test-cart-dlq"
GIVEN_UP = 23


@dataclass
class Sqs:
    """moto's, which has no StartMessageMoveTask; `refusal` is what is answered to that."""

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
        dead = sqs.create_queue(QueueName=DEAD)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
        sqs.create_queue(QueueName=QUEUE, Attributes={"RedrivePolicy": policy})
        sqs.create_queue(QueueName="tillstack-test-relays-dlq")
        sqs.create_queue(QueueName="tillstack-prod-cart-dlq")
        for n in range(GIVEN_UP):
            attribute = {"type": {"DataType": "String", "StringValue": f"order.{n}"}}
            sqs.send_message(QueueUrl=dead, MessageBody=f"event {n}", MessageAttributes=attribute)
        yield Stage("test", session)


def _held(stage, queue):
    sqs, found = stage.client("sqs"), []
    while batch := sqs.receive_message(
        QueueUrl=stage.queues()[queue], MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    ).get("Messages"):
        found += [(message["Body"], message["MessageAttributes"]["type"]["StringValue"]) for message in batch]
    return sorted(found)


def test_every_message_goes_back_as_it_was(stage):
    assert redrive.redrive(stage, DEAD, QUEUE) == GIVEN_UP
    assert _held(stage, QUEUE) == sorted((f"event {n}", f"order.{n}") for n in range(GIVEN_UP))
    assert _held(stage, DEAD) == []


def test_a_stage_has_its_own_queues_alone_and_each_knows_its_source(stage):
    assert redrive.dead_letter_queues(stage) == {DEAD: [QUEUE], "tillstack-test-relays-dlq": []}


def test_a_look_moves_nothing(stage):
    assert redrive.told(stage, DEAD, [QUEUE], dry_run=True).split() == [str(GIVEN_UP), "of", QUEUE]
    assert redrive.count(stage, DEAD) == GIVEN_UP


def test_a_stage_must_be_named(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["redrive"])
    with pytest.raises(SystemExit):
        redrive.main()
    assert "--stage" in capsys.readouterr().err


def test_sqs_moves_them_itself_where_it_can(stage):
    sqs = stage.client("sqs")
    sqs.refusal = None
    assert redrive.redrive(stage, DEAD, QUEUE) == GIVEN_UP
    assert [arn.rpartition(":")[2] for arn in sqs.started] == [DEAD]
    assert redrive.count(stage, DEAD) == GIVEN_UP, "that is SQS's to do, not ours"


def test_other_refusals_of_sqs_are_told(stage):
    stage.client("sqs").refusal = "AccessDenied"
    with pytest.raises(ClientError, match="AccessDenied"):
        redrive.redrive(stage, DEAD, QUEUE)
    assert redrive.count(stage, DEAD) == GIVEN_UP
