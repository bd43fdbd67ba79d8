"""The archive of invoices, a private S3 bucket: each file is put there once and never altered."""

from enum import Enum
from functools import cache
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError

from orders.domain.orders import Order
from orders.invoicing.document import invoice_of
from orders.invoicing.settings import settings
from shared.runtime.aws import REGION, session

LINK_SECONDS = 900

# What is not there is forbidden to a role that may not list the bucket (Amazon S3 API reference, GetObject).
ABSENT = {403, 404}


class Form(Enum):
    """The files of an invoice, with their media types."""

    HTML = "text/html; charset=utf-8"
    PDF = "application/pdf"


def key_of(order: Order, form: Form) -> str:
    """Where a file of the order's invoice is: `invoices/2026/2026-000123-ord_….pdf`. Empty to guess: the
    order's id is in it."""
    invoice = invoice_of(order)
    return f"invoices/{invoice.issued_at.year}/{invoice.number}-{order.order_id}.{form.name.lower()}"


def put(order: Order, form: Form, body: bytes) -> bool:
    """Keep the file, unless it is there: what was given out once stays as it was. Whether it was new."""
    name = f"invoice-{invoice_of(order).number}.{form.name.lower()}"
    try:
        _s3().put_object(
            **_where(order, form),
            Body=body,
            ContentType=form.value,
            ContentDisposition=f'inline; filename="{name}"',
            CacheControl="private, max-age=31536000, immutable",
            IfNoneMatch="*",
        )
    except ClientError as error:
        if _status(error) != 412:
            raise
        return False
    return True


def get(order: Order, form: Form) -> bytes | None:
    """The file as it is kept, None where there is none."""
    try:
        answer = _s3().get_object(**_where(order, form))
    except ClientError as error:
        if _status(error) not in ABSENT:
            raise
        return None
    body: bytes = answer["Body"].read()
    return body


def holds(order: Order, form: Form) -> bool:
    """Whether the file is there."""
    try:
        _s3().head_object(**_where(order, form))
    except ClientError as error:
        if _status(error) not in ABSENT:
            raise
        return False
    return True


def link(order: Order, form: Form) -> str:
    """An address that shows the file to whoever has it, for 15 minutes."""
    return str(_s3().generate_presigned_url("get_object", Params=_where(order, form), ExpiresIn=LINK_SECONDS))


def warm_up() -> None:
    """Make the client during init."""
    _s3()


@cache
def _s3() -> Any:
    # Links must name the bucket's own region, and in signatures of version 4: left to itself botocore signs
    # with version 2 for some regions, and for the global host, which redirects to one that was not signed.
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path"},
        connect_timeout=2,
        read_timeout=10,
        retries={"mode": "standard", "total_max_attempts": 3},
    )
    return session().create_client("s3", region_name=REGION, config=config)


def _where(order: Order, form: Form) -> dict[str, str]:
    return {"Bucket": settings().orders_invoices_bucket, "Key": key_of(order, form)}


def _status(error: ClientError) -> int:
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])
