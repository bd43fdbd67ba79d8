"""`python -m ops.redrive`: moves the messages of each dead-letter queue back to their source queue."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ops import relays
from ops.stage import Stage, StageError, add_options, stage_from_options

# Error codes of local engines that do not support StartMessageMoveTask.
NO_MOVE_TASKS = {"InvalidAction", "UnsupportedOperation"}
HIDDEN_SECONDS = 60  # longer than it takes to move a batch


def dead_letter_queues(stage: Stage) -> Mapping[str, list[str]]:
    """Return the stage's dead-letter queues by name, each with its source queues.

    `relays-dlq` has none: it holds Lambda's failure records of relays (see `ops.relays`).
    """
    sqs, queues = stage.client("sqs"), stage.queues()
    found: dict[str, list[str]] = {name: [] for name in queues if name.endswith("-dlq")}
    for name, url in queues.items():
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])
        if policy := attributes.get("Attributes", {}).get("RedrivePolicy"):
            target = json.loads(policy)["deadLetterTargetArn"].rpartition(":")[2]
            found.setdefault(target, []).append(name)
    return found


def count(stage: Stage, queue: str) -> int:
    """Return the approximate number of visible messages in a queue."""
    name = "ApproximateNumberOfMessages"
    answer = stage.client("sqs").get_queue_attributes(QueueUrl=stage.queues()[queue], AttributeNames=[name])
    return int(answer["Attributes"][name])


def redrive(stage: Stage, dead_letter_queue: str, source: str) -> int:
    """Move every message back to the source queue, by SQS itself if it can; return their number.

    If the tool is killed between sending and deleting a message, the message is in both queues. Handlers
    accept duplicates.
    """
    sqs, urls = stage.client("sqs"), stage.queues()
    messages = count(stage, dead_letter_queue)
    answer = sqs.get_queue_attributes(QueueUrl=urls[dead_letter_queue], AttributeNames=["QueueArn"])
    try:
        sqs.start_message_move_task(SourceArn=answer["Attributes"]["QueueArn"])
    except ClientError as error:
        if error.response["Error"]["Code"] not in NO_MOVE_TASKS:
            raise
        return _move_messages(sqs, urls[dead_letter_queue], urls[source])
    return messages


def _move_messages(sqs: Any, dead_letter_queue: str, source: str) -> int:
    moved = 0
    while batch := _receive(sqs, dead_letter_queue):
        for message in batch:
            sqs.send_message(
                QueueUrl=source,
                MessageBody=message["Body"],
                MessageAttributes=message.get("MessageAttributes", {}),
            )
            sqs.delete_message(QueueUrl=dead_letter_queue, ReceiptHandle=message["ReceiptHandle"])
            moved += 1
    return moved


def _receive(sqs: Any, url: str) -> list[dict[str, Any]]:
    answer = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=HIDDEN_SECONDS, MessageAttributeNames=["All"]
    )
    messages: list[dict[str, Any]] = answer.get("Messages", [])
    return messages


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ops.redrive", description=__doc__)
    add_options(parser)
    parser.add_argument("--dry-run", action="store_true", help="show the number of messages and move nothing")
    options = parser.parse_args()
    try:
        stage = stage_from_options(options)
        for queue, sources in sorted(dead_letter_queues(stage).items()):
            sys.stdout.write(f"{queue:<44}{process_queue(stage, queue, sources, options.dry_run)}\n")
    except (StageError, BotoCoreError, ClientError) as error:
        sys.exit(f"redrive: {error}")


def process_queue(stage: Stage, dead_letter_queue: str, sources: Sequence[str], dry_run: bool) -> str:
    """Redrive one queue unless `dry_run`; return a line that says how many messages and where to."""
    messages = count(stage, dead_letter_queue)
    if dry_run or not messages:
        return f"{messages:>8,}   from {', '.join(sources) or 'relays'}"
    if dead_letter_queue.endswith(f"-{relays.QUEUE}"):
        return _replay_relay_failures(stage, dead_letter_queue)
    if len(sources) != 1:
        return f"{messages:>8,}   not moved: the source queue is unclear ({', '.join(sources) or 'none'})"
    return f"{redrive(stage, dead_letter_queue, sources[0]):>8,}   moved to {sources[0]}"


def _replay_relay_failures(stage: Stage, dead_letter_queue: str) -> str:
    """Replay the records that each failure message names; delete the messages that succeed."""
    sqs, url = stage.client("sqs"), stage.queues()[dead_letter_queue]
    records, failures = 0, list[str]()
    while batch := _receive(sqs, url):
        for message in batch:
            try:
                records += relays.replay(stage, json.loads(message["Body"]))
            except (relays.RecordsTrimmedError, relays.RelayFailedError) as error:
                failures.append(str(error))
                continue
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return f"{records:>8,}   records replayed" + "".join(f"\n    failed: {each}" for each in failures)


if __name__ == "__main__":
    main()
