"""The baseline for handlers: the same call and the same response with botocore alone."""

import json
import os
from typing import Any

import botocore.session
from order_document import document  # type: ignore[import-not-found]  # the process adds this folder

session = botocore.session.get_session()
client: Any = session.create_client("dynamodb", region_name=os.environ["AWS_REGION"])


def get_order(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Return the caller's order."""
    item = client.get_item(
        TableName=os.environ["ORDERS_TABLE"],
        Key={
            "user_id": {"S": event["requestContext"]["authorizer"]["user_id"]},
            "order_id": {"S": event["pathParameters"]["order_id"]},
        },
        ConsistentRead=True,
    )["Item"]
    row = {name: value for name, typed in item.items() for value in typed.values()}
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps(document(row)),
    }
