"""That each paid order gets one invoice and keeps it, whatever dies when."""

import base64
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError

from orders.domain.orders import Order
from orders.invoicing import archive, service
from orders.invoicing.app import handle
from orders.invoicing.settings import settings
from orders.service import invoices
from orders.service.event_data import order_data
from orders.tables import orders
from orders.tables.packing import to_row
from shared.contracts.events import OrderPaid
from shared.dynamodb.rows import ConcurrentUpdate
from tests.orders.invoicing.samples import NOW, pages, paid, placed
from tests.support import REGION, Context, deliver, sqs_event


def stored(*all_orders: Order) -> None:
    for order in all_orders:
        to_row(order).save()


def news(*order_ids: str) -> list[OrderPaid]:
    """That these orders were paid, as the relay says it."""
    return [
        OrderPaid.of(order_data(paid(order_id)), subject=order_id, version=2, at=NOW)  # type: ignore[misc]
        for order_id in order_ids
    ]


def ask(command: str, order_id: str) -> dict[str, Any]:
    return handle({"command": command, "input": {"order_id": order_id}, "request_id": "req_1"}, Context())


def kept() -> dict[str, dict[str, Any]]:
    """The files in the archive, by key."""
    s3 = boto3.client("s3", region_name=REGION)
    bucket = settings().orders_invoices_bucket
    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    found = {entry["Key"]: s3.get_object(Bucket=bucket, Key=entry["Key"]) for entry in listed}
    return {key: {**answer, "Body": answer["Body"].read()} for key, answer in found.items()}


def numbers(*order_ids: str) -> list[str]:
    found = [orders.find_any(order_id) for order_id in order_ids]
    return [order.invoice.number for order in found if order and order.invoice]


def test_a_paid_orders_invoice_is_numbered_and_kept_as_html_and_pdf(cloud):
    stored(paid())
    assert deliver(handle, *news("ord_1")) == []
    (number,) = numbers("ord_1")
    year = number.partition("-")[0]
    files = kept()
    assert set(files) == {f"invoices/{year}/{number}-ord_1.html", f"invoices/{year}/{number}-ord_1.pdf"}
    page, file = files[f"invoices/{year}/{number}-ord_1.html"], files[f"invoices/{year}/{number}-ord_1.pdf"]
    assert (page["ContentType"], file["ContentType"]) == ("text/html; charset=utf-8", "application/pdf")
    assert file["ContentDisposition"] == f'inline; filename="invoice-{number}.pdf"'
    assert number in page["Body"].decode()
    assert number in pages(file["Body"])[0]


def test_a_batch_gets_numbers_without_a_gap(cloud):
    names = [f"ord_{n}" for n in range(27)]
    stored(*(paid(name) for name in names))
    assert deliver(handle, *news(*names)) == []
    assert sorted(int(number.partition("-")[2]) for number in numbers(*names)) == [*range(1, 28)]
    assert len(kept()) == 54


def test_a_batch_is_numbered_by_one_call(cloud, monkeypatch):
    names = ["ord_1", "ord_2", "ord_3"]
    stored(*(paid(name) for name in names))
    asked: list[list[str]] = []
    issue = invoices.issue

    def noting(ids: Any) -> dict[str, Order]:
        asked.append(list(ids))
        return issue(ids)

    monkeypatch.setattr(invoices, "issue", noting)
    assert deliver(handle, *news(*names)) == []
    assert asked == [names]


def test_what_was_kept_is_never_altered(cloud, monkeypatch):
    stored(paid())
    deliver(handle, *news("ord_1"))
    before = kept()
    moved = settings().model_copy(update={"orders_seller_name": "Another Ltd"})
    monkeypatch.setattr(service, "settings", lambda: moved)
    assert deliver(handle, *news("ord_1", "ord_1")) == []
    assert {key: file["Body"] for key, file in kept().items()} == {
        key: file["Body"] for key, file in before.items()
    }
    assert len(numbers("ord_1")) == 1


def test_files_that_a_dead_process_did_not_keep_are_kept_when_the_message_comes_again(cloud):
    stored(paid())
    number = invoices.issue(["ord_1"])["ord_1"].invoice
    assert kept() == {}
    assert deliver(handle, *news("ord_1")) == []
    assert len(kept()) == 2
    assert [number.number if number else ""] == numbers("ord_1")


def test_a_pdf_that_a_dead_process_did_not_keep_is_kept_when_it_is_asked_for(cloud):
    stored(paid())
    order = invoices.issue(["ord_1"])["ord_1"]
    archive.put(order, archive.FileFormat.HTML, b"the page")
    answer = ask("fetch_invoice", "ord_1")["output"]
    files = {key.rpartition(".")[2]: file["Body"] for key, file in kept().items()}
    assert base64.b64decode(answer["pdf"]) == files["pdf"]
    assert files["html"] == b"the page"


def test_an_invoice_that_is_asked_for_before_its_news_is_issued_then(cloud):
    stored(paid())
    answer = ask("fetch_invoice", "ord_1")["output"]
    assert [answer["invoice_number"]] == numbers("ord_1")
    assert answer["invoice_number"] in pages(base64.b64decode(answer["pdf"]))[0]
    assert ask("fetch_invoice", "ord_1")["output"] == answer
    assert deliver(handle, *news("ord_1")) == []
    assert numbers("ord_1") == [answer["invoice_number"]]


def test_links_show_the_files_for_15_minutes(cloud):
    stored(paid())
    answer = ask("locate_invoice", "ord_1")["output"]
    assert len(kept()) == 2
    for url, form in ((answer["url"], "pdf"), (answer["html_url"], "html")):
        parts, query = urlsplit(url), parse_qs(urlsplit(url).query)
        assert parts.netloc == f"s3.{REGION}.amazonaws.com"
        assert parts.path.removeprefix(f"/{settings().orders_invoices_bucket}/") in kept()
        assert parts.path.endswith(f"{answer['invoice_number']}-ord_1.{form}")
        assert query["X-Amz-Expires"] == ["900"]
        assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]


@pytest.mark.parametrize("command", ["fetch_invoice", "locate_invoice"])
def test_what_was_not_paid_has_no_invoice(cloud, command):
    stored(placed("ord_1"))
    for order_id in ("ord_1", "ord_unknown", "x" * 2_000):
        assert ask(command, order_id)["problem"]["type"] == "/problems/not-found"
    assert kept() == {}


def test_a_bad_message_does_not_hold_up_the_others(cloud):
    stored(paid("ord_1"), placed("ord_2"))
    good, unpaid, unknown = (event.model_dump_json() for event in news("ord_1", "ord_2", "ord_3"))
    answer = handle(sqs_event("no json", unpaid, good, '{"data": null}', unknown), Context())
    failed = [item["itemIdentifier"] for item in answer["batchItemFailures"]]
    assert failed == ["m0", "m1", "m3", "m4"]
    assert len(kept()) == 2


def test_an_order_that_cannot_be_numbered_does_not_hold_up_the_others(cloud, monkeypatch):
    stored(paid("ord_1"), paid("ord_2"))
    issue = invoices.issue

    def fails_for_one(ids: Any) -> dict[str, Order]:
        if "ord_1" in ids:
            raise ValueError("a row that cannot be read")
        return issue(ids)

    monkeypatch.setattr(invoices, "issue", fails_for_one)
    assert deliver(handle, *news("ord_1", "ord_2")) == ["m0"]
    assert len(numbers("ord_2")) == 1


def test_a_batch_comes_again_when_there_are_no_numbers_to_be_had(cloud, monkeypatch):
    stored(paid("ord_1"), paid("ord_2"))

    def busy(ids: Any) -> dict[str, Order]:
        raise ConcurrentUpdate

    monkeypatch.setattr(invoices, "issue", busy)
    assert deliver(handle, *news("ord_1", "ord_2")) == ["m0", "m1"]
    with pytest.raises(ConcurrentUpdate):
        ask("fetch_invoice", "ord_1")
    assert kept() == {}


class Closed:
    """S3 for a role that may not list: what is not there is forbidden."""

    def __init__(self, s3: Any) -> None:
        self.s3 = s3

    def __getattr__(self, name: str) -> Any:
        def call(**parameters: Any) -> Any:
            try:
                return getattr(self.s3, name)(**parameters)
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                    raise
                denied: Any = {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
                raise ClientError(denied, name) from None

        return call


@pytest.mark.parametrize("command", ["fetch_invoice", "locate_invoice"])
def test_what_is_not_kept_yet_looks_forbidden_and_is_made(cloud, monkeypatch, command):
    stored(paid())
    closed = Closed(boto3.client("s3", region_name=REGION))
    monkeypatch.setattr(archive, "_s3", lambda: closed)
    if command == "locate_invoice":
        monkeypatch.setattr(archive, "link", lambda *_: "https://s3.example")
    assert "output" in ask(command, "ord_1")
    assert len(kept()) == 2


def test_an_archive_that_fails_is_no_missing_invoice(cloud, monkeypatch):
    stored(paid())
    invoices.issue(["ord_1"])
    boto3.client("s3", region_name=REGION).delete_bucket(Bucket=settings().orders_invoices_bucket)
    with pytest.raises(ClientError):
        ask("fetch_invoice", "ord_1")
    assert deliver(handle, *news("ord_1")) == ["m0"]
