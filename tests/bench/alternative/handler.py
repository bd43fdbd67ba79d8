"""The usual alternative: the same route with Powertools' event handler and parser, pydantic and boto3."""

import os
from datetime import datetime
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.utilities.parser import BaseModel, parse
from order_document import document  # type: ignore[import-not-found]  # the build adds this file

logger = Logger()
app = APIGatewayRestResolver()
table: Any = boto3.resource("dynamodb").Table(os.environ["ORDERS_TABLE"])


class Money(BaseModel):
    amount: int
    currency: str


class Line(BaseModel):
    sku: str
    product_id: str
    title: str
    quantity: int
    unit_price: Money
    line_total: Money
    discount: Money
    tax: Money
    fulfilled: int
    returned: int


class Address(BaseModel):
    name: str
    line1: str
    line2: str | None
    city: str
    region: str | None
    postal_code: str
    country: str
    phone: str | None


class Order(BaseModel):
    order_id: str
    number: str
    user_id: str
    status: str
    lines: list[Line]
    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money
    tax_inclusive: bool
    total: Money
    refunded: Money
    coupon: str | None
    shipping_method: str
    shipping_address: Address
    email: str
    placed_at: datetime
    expires_at: datetime | None
    payment_id: str | None
    invoice_number: str | None
    reason: str | None
    fulfilments: list[dict[str, Any]]
    returns: list[dict[str, Any]]
    version: int


@app.get("/orders/<order_id>")
def get_order(order_id: str) -> Response:
    """Return the caller's order."""
    user_id = app.current_event["requestContext"]["authorizer"]["user_id"]
    row = table.get_item(Key={"user_id": user_id, "order_id": order_id}, ConsistentRead=True)["Item"]
    order = parse(event=document(row), model=Order)
    return Response(200, "application/json", order.model_dump_json())


@logger.inject_lambda_context
def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    response = app.resolve(event, context)
    logger.info("request served", extra={"status": response["statusCode"]})
    return response
