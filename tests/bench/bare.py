"""The baseline for handlers: the same call and the same response without a framework."""

import json
import os
from typing import Any

import botocore.session

session = botocore.session.get_session()
client: Any = session.create_client("dynamodb", region_name=os.environ["AWS_REGION"])


def get_order(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Return the caller's order as DynamoDB returns it."""
    item = client.get_item(
        TableName=os.environ["ORDERS_TABLE"],
        Key={
            "user_id": {"S": event["requestContext"]["authorizer"]["user_id"]},
            "order_id": {"S": event["pathParameters"]["order_id"]},
        },
        ConsistentRead=True,
    )["Item"]
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps(item)}
