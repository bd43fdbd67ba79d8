"""What a relay gave up is told again from the stream: just that, and only what the relay listens to."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3
import moto
import pytest
from botocore.exceptions import ClientError

from ops import redrive, relays
from ops.stage import Stage
from tests.support import REGION

QUEUE = "tillstack-test-relays-dlq"
PATTERN = '{"dynamodb": {"Keys": {"pk": {"S": [{"prefix": "user#"}]}}}}'


@dataclass
class Functions:
    """Lambda, with one relay; `fails` while it does."""

    fails: bool = False
    handed: list[dict[str, Any]] = field(default_factory=list)

    def list_event_source_mappings(self, FunctionName, EventSourceArn):
        return {"EventSourceMappings": [{"FilterCriteria": {"Filters": [{"Pattern": PATTERN}]}}]}

    def invoke(self, FunctionName, Payload):
        if self.fails:
            return {"FunctionError": "Unhandled"}
        self.handed += json.loads(Payload)["Records"]
        return {"StatusCode": 200}


@dataclass(frozen=True)
class Failure:
    """A stage whose relay gave up on the second to the fourth of five changes."""

    stage: Stage
    functions: Functions

    def redriven(self) -> str:
        return redrive.told(self.stage, QUEUE, [], dry_run=False)


@dataclass(frozen=True)
class Stream:
    """DynamoDB Streams with one shard (moto has none), two records a page."""

    records: list[dict[str, Any]]
    forgotten: bool = False

    def get_shard_iterator(self, StreamArn, ShardId, ShardIteratorType, SequenceNumber):
        if self.forgotten:
            raise ClientError({"Error": {"Code": "TrimmedDataAccessException"}}, "GetShardIterator")
        assert ShardIteratorType == "AT_SEQUENCE_NUMBER"
        numbers = [record["dynamodb"]["SequenceNumber"] for record in self.records]
        return {"ShardIterator": str(numbers.index(SequenceNumber))}

    def get_records(self, ShardIterator, Limit):
        first = int(ShardIterator)
        return {"Records": self.records[first : first + 2], "NextShardIterator": str(first + 2)}


def _record(number: int, pk: str) -> dict[str, Any]:
    change = {
        "ApproximateCreationDateTime": datetime(2026, 3, 2, tzinfo=UTC),
        "Keys": {"pk": {"S": pk}},
        "NewImage": {"pk": {"S": pk}, "hash": {"B": b"\x00\x01"}},
        "SequenceNumber": f"{number:021}",
    }
    return {"eventID": str(number), "eventName": "INSERT", "dynamodb": change}


KEYS = ("user#1", "user#2", "email#2", "user#3", "user#4")
RECORDS = [_record(100 + number, pk) for number, pk in enumerate(KEYS)]


@pytest.fixture
def failure(monkeypatch, request) -> Iterator[Failure]:
    with moto.mock_aws():
        numbers = [record["dynamodb"]["SequenceNumber"] for record in RECORDS]
        batch = {"streamArn": "arn:stream", "shardId": "shard 1", "batchSize": 3}
        batch |= {"startSequenceNumber": numbers[1], "endSequenceNumber": numbers[3]}
        note = {"requestContext": {"functionArn": "arn:relay"}, "DDBStreamBatchInfo": batch}
        sqs = boto3.client("sqs", region_name=REGION)
        url = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(note))
        session, functions = boto3.Session(region_name=REGION), Functions()
        stream = Stream(RECORDS, forgotten=getattr(request, "param", None) == "a day later")
        clients = {"lambda": functions, "dynamodbstreams": stream, "sqs": sqs}
        monkeypatch.setattr(session, "client", clients.get)
        yield Failure(Stage("test", session), functions)


def test_what_was_given_up_is_handed_over_as_lambda_does(failure):
    assert failure.redriven().split() == ["2", "records", "told", "again"]
    handed = failure.functions.handed
    assert [record["dynamodb"]["Keys"]["pk"]["S"] for record in handed] == ["user#2", "user#3"]
    assert handed[0]["dynamodb"]["NewImage"]["hash"] == {"B": "AAE="}
    assert isinstance(handed[0]["dynamodb"]["ApproximateCreationDateTime"], float)
    assert redrive.count(failure.stage, QUEUE) == 0


def test_what_fails_once_more_stays(failure):
    failure.functions.fails = True
    assert "StillFails arn:relay" in failure.redriven()
    url = failure.stage.queues()[QUEUE]
    attribute = "ApproximateNumberOfMessagesNotVisible"
    answer = failure.stage.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[attribute])
    assert answer["Attributes"][attribute] == "1"


@pytest.mark.parametrize("failure", ["a day later"], indirect=True)
def test_what_the_stream_forgot_is_left_and_said(failure):
    assert "TooLate arn:stream" in failure.redriven()
    assert failure.functions.handed == []


def test_a_look_hands_over_nothing(failure):
    assert redrive.told(failure.stage, QUEUE, [], dry_run=True).split() == ["1", "of", "relays"]
    assert failure.functions.handed == []


def test_a_filter_lets_through_what_lambdas_does():
    record = {"eventName": "INSERT", "dynamodb": {"Keys": {"sk": {"S": "payment"}}}}
    assert relays._wanted([], record)
    assert relays._wanted([{"eventName": ["INSERT"]}], record)
    assert not relays._wanted([{"eventName": ["REMOVE"]}], record)
    assert relays._wanted([{"dynamodb": {"Keys": {"sk": {"S": ["payment"]}}}}], record)
    assert not relays._wanted([{"dynamodb": {"Keys": {"sk": {"S": [{"prefix": "ref_"}]}}}}], record)
