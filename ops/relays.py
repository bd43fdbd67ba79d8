"""What a relay gave up after ten tries is read from its table's stream once more, and handed to it again."""

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


class TooLate(Exception):
    """The stream has forgotten these records: it keeps them for 24 hours."""


class StillFails(Exception):
    """The relay failed at them once more; its log says why."""


def tell_again(stage: Stage, told: Mapping[str, Any]) -> int:
    """Hand the records that a failure message names to their function again; how many it was handed.

    An id is derived from a row and its version, so what was said before is said the same. Raises TooLate,
    StillFails.
    """
    function = told["requestContext"]["functionArn"]
    stream = told["DDBStreamBatchInfo"]["streamArn"]
    client = stage.client("lambda")
    patterns = _patterns(client, function, stream)
    records = [record for record in _records(stage, told["DDBStreamBatchInfo"]) if _wanted(patterns, record)]
    for first in range(0, len(records), BATCH):
        payload = json.dumps({"Records": records[first : first + BATCH]}, default=_on_lambdas_wire)
        answer = client.invoke(FunctionName=function, Payload=payload.encode())
        if "FunctionError" in answer:
            raise StillFails(function)
    return len(records)


def _records(stage: Stage, batch: Mapping[str, Any]) -> Iterator[Record]:
    """A stream's records from the batch's first to its last."""
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
            raise TooLate(batch["streamArn"]) from error
        raise


def _patterns(client: Any, function: str, stream: str) -> Sequence[Any]:
    """What of the stream the function wants, by its event source's filters; none: all of it."""
    found = client.list_event_source_mappings(FunctionName=function, EventSourceArn=stream)
    return [
        json.loads(each["Pattern"])
        for mapping in found["EventSourceMappings"]
        for each in mapping.get("FilterCriteria", {}).get("Filters", [])
    ]


def _wanted(patterns: Sequence[Any], record: Record) -> bool:
    return not patterns or any(_fits(pattern, record) for pattern in patterns)


def _fits(pattern: Any, value: Any) -> bool:
    """Lambda's filters, as far as the template has them: values, and how a text begins
    (https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html)."""
    if isinstance(pattern, Mapping):
        known = value if isinstance(value, Mapping) else {}
        return all(_fits(inner, known.get(name)) for name, inner in pattern.items())
    return any(
        isinstance(value, str) and value.startswith(each["prefix"])
        if isinstance(each, Mapping)
        else value == each
        for each in pattern
    )


def _on_lambdas_wire(value: Any) -> Any:
    """Times and bytes as Lambda is handed them."""
    if isinstance(value, datetime):
        return value.timestamp()
    return base64.b64encode(value).decode()
