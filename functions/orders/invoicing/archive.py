"""The archive of invoices: a private S3 bucket in which each file is written once and never changed."""

from enum import Enum
from functools import cache
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError

from orders.domain.orders import Invoice
from orders.invoicing.settings import settings
from shared.runtime.aws import ATTEMPTS, CONNECT_TIMEOUT, READ_TIMEOUT, REGION, session

LINK_SECONDS = 900  # seconds; a link works without a token, so it must not work for long

# S3 returns 403 for an absent key if the role may not list the bucket (Amazon S3 API reference, GetObject).
ABSENT = {403, 404}


class FileFormat(Enum):
    """The files of an invoice, with their media types."""

    HTML = "text/html; charset=utf-8"
    PDF = "application/pdf"


def key_of(order_id: str, invoice: Invoice, file_format: FileFormat) -> str:
    """Return the key of a file: `invoices/2026/2026-000123-ord_….pdf`. The order id makes it unguessable."""
    return f"invoices/{invoice.issued_at.year}/{invoice.number}-{order_id}.{file_format.name.lower()}"


def put(order_id: str, invoice: Invoice, file_format: FileFormat, body: bytes) -> bool:
    """Store the file unless it exists, because an issued invoice must not change; return whether it is
    new."""
    name = f"invoice-{invoice.number}.{file_format.name.lower()}"
    try:
        _s3().put_object(
            **_location(order_id, invoice, file_format),
            Body=body,
            ContentType=file_format.value,
            ContentDisposition=f'inline; filename="{name}"',
            CacheControl="private, max-age=31536000, immutable",
            IfNoneMatch="*",
        )
    except ClientError as error:
        if _status(error) != 412:
            raise
        return False
    return True


def get(order_id: str, invoice: Invoice, file_format: FileFormat) -> bytes | None:
    """Return the stored file; None if there is none."""
    try:
        response = _s3().get_object(**_location(order_id, invoice, file_format))
    except ClientError as error:
        if _status(error) not in ABSENT:
            raise
        return None
    body: bytes = response["Body"].read()
    return body


def exists(order_id: str, invoice: Invoice, file_format: FileFormat) -> bool:
    """Return whether the file is stored."""
    try:
        _s3().head_object(**_location(order_id, invoice, file_format))
    except ClientError as error:
        if _status(error) not in ABSENT:
            raise
        return False
    return True


def link(order_id: str, invoice: Invoice, file_format: FileFormat) -> str:
    """Return a presigned URL of the file, valid for 15 minutes."""
    return str(
        _s3().generate_presigned_url(
            "get_object", Params=_location(order_id, invoice, file_format), ExpiresIn=LINK_SECONDS
        )
    )


def warm_up() -> None:
    """Create the client during init."""
    _s3()


@cache
def _s3() -> Any:
    # Presigned URLs need signature version 4 and the bucket's regional host. By default botocore signs with
    # version 2 in some regions, or for the global host, which redirects to a host that was not signed.
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path"},
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
    )
    return session().create_client("s3", region_name=REGION, config=config)


def _location(order_id: str, invoice: Invoice, file_format: FileFormat) -> dict[str, str]:
    return {"Bucket": settings().orders_invoices_bucket, "Key": key_of(order_id, invoice, file_format)}


def _status(error: ClientError) -> int:
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])
