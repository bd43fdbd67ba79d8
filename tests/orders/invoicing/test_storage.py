"""The numbering and storage of invoices, also after crashes."""

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
from shared.contracts.events.orders import OrderPaid
from shared.dynamodb.rows import ConcurrentUpdate
from tests.orders.invoicing.samples import NOW, pages, paid, placed
from tests.support import REGION, Context, deliver, sqs_event


def stored(*all_orders: Order) -> None:
    for order in all_orders:
        to_row(order).save()


def paid_events(*order_ids: str) -> list[OrderPaid]:
    """Return the events that these orders were paid."""
    return [
        OrderPaid.of(order_data(paid(order_id)), subject=order_id, version=2, at=NOW)  # type: ignore[misc]
        for order_id in order_ids
    ]


def invoke(command: str, order_id: str, **more: Any) -> dict[str, Any]:
    sent = {"command": command, "input": {"order_id": order_id, **more}, "request_id": "req_1"}
    return handle(sent, Context())


def stored_files() -> dict[str, dict[str, Any]]:
    """Return the files in the archive by key."""
    s3 = boto3.client("s3", region_name=REGION)
    bucket = settings().orders_invoices_bucket
    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    found = {entry["Key"]: s3.get_object(Bucket=bucket, Key=entry["Key"]) for entry in listed}
    return {key: {**response, "Body": response["Body"].read()} for key, response in found.items()}


def numbers(*order_ids: str) -> list[str]:
    found = [orders.find_any(order_id) for order_id in order_ids]
    return [order.invoice.number for order in found if order and order.invoice]


def test_a_paid_order_gets_a_numbered_invoice_as_html_and_pdf(cloud):
    stored(paid())
    assert deliver(handle, *paid_events("ord_1")) == []
    (number,) = numbers("ord_1")
    year = number.partition("-")[0]
    files = stored_files()
    assert set(files) == {f"invoices/{year}/{number}-ord_1.html", f"invoices/{year}/{number}-ord_1.pdf"}
    page, file = files[f"invoices/{year}/{number}-ord_1.html"], files[f"invoices/{year}/{number}-ord_1.pdf"]
    assert (page["ContentType"], file["ContentType"]) == ("text/html; charset=utf-8", "application/pdf")
    assert file["ContentDisposition"] == f'inline; filename="invoice-{number}.pdf"'
    assert number in page["Body"].decode()
    assert number in pages(file["Body"])[0]


def test_a_batch_gets_consecutive_numbers(cloud):
    names = [f"ord_{n}" for n in range(27)]
    stored(*(paid(name) for name in names))
    assert deliver(handle, *paid_events(*names)) == []
    assert sorted(int(number.partition("-")[2]) for number in numbers(*names)) == [*range(1, 28)]
    assert len(stored_files()) == 54


def test_a_batch_is_numbered_in_one_call(cloud, monkeypatch):
    names = ["ord_1", "ord_2", "ord_3"]
    stored(*(paid(name) for name in names))
    calls: list[list[str]] = []
    issue = invoices.issue

    def record(ids: Any) -> dict[str, Order]:
        calls.append(list(ids))
        return issue(ids)

    monkeypatch.setattr(invoices, "issue", record)
    assert deliver(handle, *paid_events(*names)) == []
    assert calls == [names]


def test_stored_invoices_never_change(cloud, monkeypatch):
    stored(paid())
    deliver(handle, *paid_events("ord_1"))
    before = stored_files()
    moved = settings().model_copy(update={"orders_seller_name": "Another Ltd"})
    monkeypatch.setattr(service, "settings", lambda: moved)
    assert deliver(handle, *paid_events("ord_1", "ord_1")) == []
    assert {key: file["Body"] for key, file in stored_files().items()} == {
        key: file["Body"] for key, file in before.items()
    }
    assert len(numbers("ord_1")) == 1


def test_a_repeated_message_stores_the_missing_files(cloud):
    stored(paid())
    number = invoices.issue({"ord_1": "usr_1"})["ord_1"].invoice
    assert stored_files() == {}
    assert deliver(handle, *paid_events("ord_1")) == []
    assert len(stored_files()) == 2
    assert [number.number if number else ""] == numbers("ord_1")


def test_fetching_an_invoice_stores_a_missing_pdf(cloud):
    stored(paid())
    order = invoices.issue({"ord_1": "usr_1"})["ord_1"]
    assert order.invoice
    archive.put("ord_1", order.invoice, archive.FileFormat.HTML, b"the page")
    response = invoke("fetch_invoice", "ord_1")["output"]
    files = {key.rpartition(".")[2]: file["Body"] for key, file in stored_files().items()}
    assert base64.b64decode(response["pdf"]) == files["pdf"]
    assert files["html"] == b"the page"


def test_a_stored_invoice_is_fetched_by_its_number_without_reading_the_order(cloud, monkeypatch):
    stored(paid())
    assert deliver(handle, *paid_events("ord_1")) == []
    response = invoke("fetch_invoice", "ord_1")["output"]
    named = {name: response[name] for name in ("invoice_number", "issued_at")}
    with monkeypatch.context() as patch:
        patch.setattr(orders, "find_any", None)
        assert invoke("fetch_invoice", "ord_1", **named)["output"] == response
    for name in stored_files():
        boto3.client("s3", region_name=REGION).delete_object(
            Bucket=settings().orders_invoices_bucket, Key=name
        )
    assert invoke("fetch_invoice", "ord_1", **named)["output"] == response


def test_an_order_is_numbered_with_one_read_and_one_transaction(cloud, monkeypatch):
    stored(paid())
    monkeypatch.setattr(orders, "find_any", None)
    assert deliver(handle, *paid_events("ord_1")) == []
    assert len(stored_files()) == 2


def test_fetching_an_invoice_before_its_event_issues_it(cloud):
    stored(paid())
    response = invoke("fetch_invoice", "ord_1")["output"]
    assert [response["invoice_number"]] == numbers("ord_1")
    assert response["invoice_number"] in pages(base64.b64decode(response["pdf"]))[0]
    assert invoke("fetch_invoice", "ord_1")["output"] == response
    assert deliver(handle, *paid_events("ord_1")) == []
    assert numbers("ord_1") == [response["invoice_number"]]


def test_links_are_valid_for_15_minutes(cloud):
    stored(paid())
    response = invoke("locate_invoice", "ord_1")["output"]
    assert len(stored_files()) == 2
    for url, form in ((response["url"], "pdf"), (response["html_url"], "html")):
        parts, query = urlsplit(url), parse_qs(urlsplit(url).query)
        assert parts.netloc == f"s3.{REGION}.amazonaws.com"
        assert parts.path.removeprefix(f"/{settings().orders_invoices_bucket}/") in stored_files()
        assert parts.path.endswith(f"{response['invoice_number']}-ord_1.{form}")
        assert query["X-Amz-Expires"] == ["900"]
        assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]


@pytest.mark.parametrize("command", ["fetch_invoice", "locate_invoice"])
def test_an_unpaid_order_has_no_invoice(cloud, command):
    stored(placed("ord_1"))
    for order_id in ("ord_1", "ord_unknown", "x" * 2_000):
        assert invoke(command, order_id)["problem"]["type"] == "/problems/not-found"
    assert stored_files() == {}


def test_a_bad_message_does_not_block_the_others(cloud):
    stored(paid("ord_1"), placed("ord_2"))
    good, unpaid, unknown = (event.model_dump_json() for event in paid_events("ord_1", "ord_2", "ord_3"))
    response = handle(sqs_event("no json", unpaid, good, '{"data": null}', unknown), Context())
    failed = [item["itemIdentifier"] for item in response["batchItemFailures"]]
    assert failed == ["m0", "m1", "m3", "m4"]
    assert len(stored_files()) == 2


def test_an_order_that_cannot_be_numbered_does_not_block_the_others(cloud, monkeypatch):
    stored(paid("ord_1"), paid("ord_2"))
    issue = invoices.issue

    def fails_for_one(ids: Any) -> dict[str, Order]:
        if "ord_1" in ids:
            raise ValueError("an unreadable row")
        return issue(ids)

    monkeypatch.setattr(invoices, "issue", fails_for_one)
    assert deliver(handle, *paid_events("ord_1", "ord_2")) == ["m0"]
    assert len(numbers("ord_2")) == 1


def test_a_batch_is_retried_if_numbering_conflicts(cloud, monkeypatch):
    stored(paid("ord_1"), paid("ord_2"))

    def busy(ids: Any) -> dict[str, Order]:
        raise ConcurrentUpdate

    monkeypatch.setattr(invoices, "issue", busy)
    assert deliver(handle, *paid_events("ord_1", "ord_2")) == ["m0", "m1"]
    with pytest.raises(ConcurrentUpdate):
        invoke("fetch_invoice", "ord_1")
    assert stored_files() == {}


class WithoutListPermission:
    """S3 for a role that may not list: absent files are forbidden."""

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
def test_a_file_that_s3_reports_as_forbidden_is_created(cloud, monkeypatch, command):
    stored(paid())
    s3 = WithoutListPermission(boto3.client("s3", region_name=REGION))
    monkeypatch.setattr(archive, "_s3", lambda: s3)
    if command == "locate_invoice":
        monkeypatch.setattr(archive, "link", lambda *_: "https://s3.example")
    assert "output" in invoke(command, "ord_1")
    assert len(stored_files()) == 2


def test_a_failing_archive_is_not_treated_as_a_missing_invoice(cloud, monkeypatch):
    stored(paid())
    invoices.issue({"ord_1": "usr_1"})
    boto3.client("s3", region_name=REGION).delete_bucket(Bucket=settings().orders_invoices_bucket)
    with pytest.raises(ClientError):
        invoke("fetch_invoice", "ord_1")
    assert deliver(handle, *paid_events("ord_1")) == ["m0"]
