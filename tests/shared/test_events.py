"""Events: the envelope, the stream relay and the queue consumers."""

import json
from datetime import UTC, datetime

import boto3
import pytest

from shared.contracts.events.envelope import Event
from shared.contracts.events.published import read_event
from shared.contracts.events.users import UserData, UserRegistered
from shared.messaging import stream_relay
from shared.messaging.consumers import Consumers
from tests.support import ENVIRONMENT, REGION, Context, deliver, sqs_event, stream_event

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TOPIC = ENVIRONMENT["USERS_TOPIC_ARN"]


def _registered(number: int, name: str = "Ada") -> Event:
    data = UserData(user_id=f"usr_{number}", email="ada@example.com", name=name)
    return UserRegistered.of(data, subject=data.user_id, version=1, at=NOW, request_id="req-1")


def test_an_event_is_a_cloudevent_and_reads_back():
    event = _registered(1)
    message = json.loads(event.model_dump_json(exclude_none=True))
    assert message["specversion"] == "1.0"
    assert (message["id"], message["source"]) == ("usr_1.1.user.registered", "/tillstack/user")
    assert (message["type"], message["sequence"], message["requestid"]) == ("user.registered", 1, "req-1")
    assert message["time"] == "2026-11-21T12:00:00Z"
    assert read_event(message) == event


@pytest.fixture
def received(cloud):
    sns, sqs = boto3.client("sns", region_name=REGION), boto3.client("sqs", region_name=REGION)
    assert sns.create_topic(Name=TOPIC.rpartition(":")[2])["TopicArn"] == TOPIC
    url = sqs.create_queue(QueueName="received")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(
        TopicArn=TOPIC,
        Protocol="sqs",
        Endpoint=arn,
        Attributes={"RawMessageDelivery": "true", "FilterPolicy": json.dumps({"type": ["user.registered"]})},
    )

    def receive():
        found = []
        while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            found += [json.loads(message["Body"]) for message in batch]
            for message in batch:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    return receive


def _derive_events(old, new):
    return [_registered(int(new["n"]["N"]), "x" * 30_000 if "big" in new else "Ada")]


def test_the_log_of_a_relay_names_the_requests_of_its_events(received, caplog):
    changes = [(None, {"n": {"N": number}}) for number in "12"]
    stream_relay.relay(TOPIC, _derive_events)(stream_event(*changes), Context())
    (line,) = caplog.records
    assert (line.message, len(line.events), line.request_ids) == ("events published", 2, ["req-1"])


def test_a_relay_publishes_every_change_in_batches_that_sns_accepts(received):
    changes = [
        (None, {"n": {"N": str(number)}} | ({"big": {"BOOL": True}} if number < 20 else {}))
        for number in range(43)
    ]
    stream_relay.relay(TOPIC, _derive_events)(stream_event(*changes), Context())
    assert {message["subject"] for message in received()} == {f"usr_{number}" for number in range(43)}


def test_a_relay_raises_if_sns_did_not_accept_every_event(received, monkeypatch):
    publish = stream_relay.publish
    monkeypatch.setattr(
        stream_relay,
        "publish",
        lambda topic, events: [e.id for e in events if e.subject == "usr_12"] or publish(topic, events),
    )
    changes = [(None, {"n": {"N": str(number)}}) for number in range(25)]
    with pytest.raises(stream_relay.PublishError, match=r"usr_12\.1\.user\.registered"):
        stream_relay.relay(TOPIC, _derive_events)(stream_event(*changes), Context())
    assert {message["subject"] for message in received()} >= {"usr_0", "usr_24"}


def test_only_failed_messages_are_returned_to_the_queue():
    consumers = Consumers()
    handled = []

    @consumers.on(UserRegistered)
    def handle(event: UserRegistered) -> None:
        if event.data.user_id == "usr_2":
            raise RuntimeError("the table is not available")
        handled.append(event.data.user_id)

    assert deliver(consumers.handle, _registered(1), _registered(2), _registered(3)) == ["m1"]
    assert handled == ["usr_1", "usr_3"]
    unreadable = sqs_event("not json", json.dumps({"type": "unknown.type", "id": "1"}), "{}")
    answer = consumers.handle(unreadable, Context())
    assert [item["itemIdentifier"] for item in answer["batchItemFailures"]] == ["m0", "m1", "m2"]


def test_an_invalid_event_is_logged_without_its_data(caplog):
    broken = json.loads(_registered(1).model_dump_json(exclude_none=True))
    broken["data"] |= {"email": ["ada@example.com"]}
    consumers = Consumers({UserRegistered: lambda _: None})
    answer = consumers.handle(sqs_event(json.dumps(broken)), Context())
    assert answer["batchItemFailures"] == [{"itemIdentifier": "m0"}]
    assert "ValidationError" in caplog.text and "ada@example.com" not in caplog.text
