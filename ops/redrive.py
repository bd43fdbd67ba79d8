"""`python -m ops.redrive`: what was given up is tried once more, back from each dead-letter queue."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ops import relays
from ops.stage import Stage, Unknown, add_options, chosen

# What AWS has and not every local engine does.
NO_MOVE_TASKS = {"InvalidAction", "UnsupportedOperation"}
HIDDEN_SECONDS = 60  # longer than a batch takes to be sent back


def dead_letter_queues(stage: Stage) -> Mapping[str, list[str]]:
    """The names of the stage's dead-letter queues → the queues that give up to them.

    One has none: `relays-dlq` is where it is noted what of a stream a relay could not tell (`ops.relays`).
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
    """Roughly how many messages can be seen in a queue (SQS itself says no more)."""
    name = "ApproximateNumberOfMessages"
    answer = stage.client("sqs").get_queue_attributes(QueueUrl=stage.queues()[queue], AttributeNames=[name])
    return int(answer["Attributes"][name])


def redrive(stage: Stage, dead: str, source: str) -> int:
    """Send every message of `dead` back to `source`, by SQS itself where it can; how many there were.

    A message that is sent and not deleted, as the tool dies between, is there twice: handlers do not mind.
    """
    sqs, urls = stage.client("sqs"), stage.queues()
    waiting = count(stage, dead)
    arn = sqs.get_queue_attributes(QueueUrl=urls[dead], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    try:
        sqs.start_message_move_task(SourceArn=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] not in NO_MOVE_TASKS:
            raise
        return _by_hand(sqs, urls[dead], urls[source])
    return waiting


def _by_hand(sqs: Any, dead: str, source: str) -> int:
    moved = 0
    while batch := _taken(sqs, dead):
        for message in batch:
            sqs.send_message(
                QueueUrl=source,
                MessageBody=message["Body"],
                MessageAttributes=message.get("MessageAttributes", {}),
            )
            sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
            moved += 1
    return moved


def _taken(sqs: Any, url: str) -> list[dict[str, Any]]:
    answer = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=HIDDEN_SECONDS, MessageAttributeNames=["All"]
    )
    messages: list[dict[str, Any]] = answer.get("Messages", [])
    return messages


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ops.redrive", description=__doc__)
    add_options(parser)
    parser.add_argument("--dry-run", action="store_true", help="only say what there is")
    options = parser.parse_args()
    try:
        stage = chosen(options)
        for dead, sources in sorted(dead_letter_queues(stage).items()):
            sys.stdout.write(f"{dead:<44}{told(stage, dead, sources, options.dry_run)}\n")
    except (Unknown, BotoCoreError, ClientError) as error:
        sys.exit(f"redrive: {error}")


def told(stage: Stage, dead: str, sources: Sequence[str], dry_run: bool) -> str:
    """Do it, unless `dry_run`, and say how many and where to."""
    waiting = count(stage, dead)
    if dry_run or not waiting:
        return f"{waiting:>8,}   of {', '.join(sources) or 'relays'}"
    if dead.endswith(f"-{relays.QUEUE}"):
        return _of_relays(stage, dead)
    if len(sources) != 1:
        return f"{waiting:>8,}   left: they may be of {', '.join(sources) or 'no queue'}"
    return f"{redrive(stage, dead, sources[0]):>8,}   back to {sources[0]}"


def _of_relays(stage: Stage, dead: str) -> str:
    """Each message is a failure's note; the ones that are dealt with go."""
    sqs, url = stage.client("sqs"), stage.queues()[dead]
    records, left = 0, list[str]()
    while batch := _taken(sqs, url):
        for message in batch:
            try:
                records += relays.tell_again(stage, json.loads(message["Body"]))
            except (relays.TooLate, relays.StillFails) as error:
                left.append(f"{type(error).__name__} {error}")
                continue
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return f"{records:>8,}   records told again" + "".join(f"\n    left: {each}" for each in left)


if __name__ == "__main__":
    main()
