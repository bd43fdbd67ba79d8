"""Replay of the stream records that a relay failed to publish after ten tries."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from ops.stage import Stage

QUEUE = "relays-dlq"
BATCH = 100
Record = Mapping[str, Any]


class RecordsTrimmedError(Exception):
    """The stream no longer has the records, because it keeps them for 24 hours."""


class RelayFailedError(Exception):
    """The relay failed again; its log says why."""


def replay(stage: Stage, failure: Mapping[str, Any]) -> int:
    """Invoke the function with the records that a failure message names; return their number.

    Events that were already published get the same ids again, because an id is derived from the row's key and
    version. Raises RecordsTrimmedError or RelayFailedError.
    """
    function = failure["requestContext"]["functionArn"]
    stream = failure["DDBStreamBatchInfo"]["streamArn"]
    client = stage.client("lambda")
    patterns = _patterns(client, function, stream)
    records = [
        record for record in _records(stage, failure["DDBStreamBatchInfo"]) if _matches(patterns, record)
    ]
    for first in range(0, len(records), BATCH):
        payload = json.dumps({"Records": records[first : first + BATCH]}, default=_as_lambda_json)
        answer = client.invoke(FunctionName=function, Payload=payload.encode())
        if "FunctionError" in answer:
            raise RelayFailedError(f"{function} failed again; its log says why")
    return len(records)


def _records(stage: Stage, batch: Mapping[str, Any]) -> Iterator[Record]:
    """Yield the stream's records from the batch's first to its last."""
    client = stage.client("dynamodbstreams")
    last = int(batch["endSequenceNumber"])
    try:
        iterator = client.get_shard_iterator(
            StreamArn=batch["streamArn"],
            ShardId=batch["shardId"],
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=batch["startSequenceNumber"],
        )["ShardIterator"]
        while iterator:
            page = client.get_records(ShardIterator=iterator, Limit=1000)
            for record in page["Records"]:
                if int(record["dynamodb"]["SequenceNumber"]) > last:
                    return
                yield record
                if int(record["dynamodb"]["SequenceNumber"]) == last:
                    return
            iterator = page.get("NextShardIterator") if page["Records"] else None
    except ClientError as error:
        if error.response["Error"]["Code"] == "TrimmedDataAccessException":
            stream = batch["streamArn"]
            raise RecordsTrimmedError(
                f"{stream} no longer has the records; publish the events (docs/operations.md, Replay)"
            ) from error
        raise


def _patterns(client: Any, function: str, stream: str) -> Sequence[Any]:
    """Return the patterns of the function's event filters; without any, it receives all records."""
    found = client.list_event_source_mappings(FunctionName=function, EventSourceArn=stream)
    return [
        json.loads(each["Pattern"])
        for mapping in found["EventSourceMappings"]
        for each in mapping.get("FilterCriteria", {}).get("Filters", [])
    ]


def _matches(patterns: Sequence[Any], record: Record) -> bool:
    return not patterns or any(_match(pattern, record) for pattern in patterns)


def _match(pattern: Any, value: Any) -> bool:
    """Match a Lambda event filter, as far as template.yaml uses them: values and prefixes.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
    """
    if isinstance(pattern, Mapping):
        known = value if isinstance(value, Mapping) else {}
        return all(_match(inner, known.get(name)) for name, inner in pattern.items())
    return any(
        isinstance(value, str) and value.startswith(each["prefix"])
        if isinstance(each, Mapping)
        else value == each
        for each in pattern
    )


def _as_lambda_json(value: Any) -> Any:
    """Return a time or bytes in the JSON format that Lambda receives."""
    if isinstance(value, datetime):
        return value.timestamp()
    return base64.b64encode(value).decode()
