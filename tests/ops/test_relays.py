"""Replay of relays: the failed stream records that match the relay's filters, and no others."""

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
    """Lambda with one relay, which fails while `fails` is set."""

    fails: bool = False
    received: list[dict[str, Any]] = field(default_factory=list)

    def list_event_source_mappings(self, FunctionName, EventSourceArn):
        return {"EventSourceMappings": [{"FilterCriteria": {"Filters": [{"Pattern": PATTERN}]}}]}

    def invoke(self, FunctionName, Payload):
        if self.fails:
            return {"FunctionError": "Unhandled"}
        self.received += json.loads(Payload)["Records"]
        return {"StatusCode": 200}


@dataclass(frozen=True)
class Failure:
    """A stage whose relay failed on the second to the fourth of five changes."""

    stage: Stage
    functions: Functions

    def redrive(self) -> str:
        return redrive.process_queue(self.stage, QUEUE, [], dry_run=False)


@dataclass(frozen=True)
class Stream:
    """DynamoDB Streams with one shard (moto has none), two records per page."""

    records: list[dict[str, Any]]
    trimmed: bool = False

    def get_shard_iterator(self, StreamArn, ShardId, ShardIteratorType, SequenceNumber):
        if self.trimmed:
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
        message = {"requestContext": {"functionArn": "arn:relay"}, "DDBStreamBatchInfo": batch}
        sqs = boto3.client("sqs", region_name=REGION)
        url = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(message))
        session, functions = boto3.Session(region_name=REGION), Functions()
        stream = Stream(RECORDS, trimmed=getattr(request, "param", None) == "a day later")
        clients = {"lambda": functions, "dynamodbstreams": stream, "sqs": sqs}
        monkeypatch.setattr(session, "client", clients.get)
        yield Failure(Stage("test", session), functions)


def test_failed_records_are_replayed_in_lambdas_format(failure):
    assert failure.redrive().split() == ["2", "records", "replayed"]
    received = failure.functions.received
    assert [record["dynamodb"]["Keys"]["pk"]["S"] for record in received] == ["user#2", "user#3"]
    assert received[0]["dynamodb"]["NewImage"]["hash"] == {"B": "AAE="}
    assert isinstance(received[0]["dynamodb"]["ApproximateCreationDateTime"], float)
    assert redrive.count(failure.stage, QUEUE) == 0


def test_records_that_fail_again_stay_in_the_queue(failure):
    failure.functions.fails = True
    assert "arn:relay failed again" in failure.redrive()
    url = failure.stage.queues()[QUEUE]
    attribute = "ApproximateNumberOfMessagesNotVisible"
    answer = failure.stage.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[attribute])
    assert answer["Attributes"][attribute] == "1"


@pytest.mark.parametrize("failure", ["a day later"], indirect=True)
def test_trimmed_records_are_reported_and_not_replayed(failure):
    assert "arn:stream no longer has the records" in failure.redrive()
    assert failure.functions.received == []


def test_a_dry_run_replays_nothing(failure):
    assert redrive.process_queue(failure.stage, QUEUE, [], dry_run=True).split() == ["1", "from", "relays"]
    assert failure.functions.received == []


def test_filters_match_like_lambdas():
    record = {"eventName": "INSERT", "dynamodb": {"Keys": {"sk": {"S": "payment"}}}}
    assert relays._matches([], record)
    assert relays._matches([{"eventName": ["INSERT"]}], record)
    assert not relays._matches([{"eventName": ["REMOVE"]}], record)
    assert relays._matches([{"dynamodb": {"Keys": {"sk": {"S": ["payment"]}}}}], record)
    assert not relays._matches([{"dynamodb": {"Keys": {"sk": {"S": [{"prefix": "ref_"}]}}}}], record)
