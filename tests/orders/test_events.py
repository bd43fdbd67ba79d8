"""Events that orders consumes and publishes, and the sweeper."""

import json
from typing import Any

import pytest

from orders.app.api import api
from orders.app.consume import consume
from orders.app.relay import relay
from orders.app.sweep import sweep
from orders.domain.timeline import MAX_DECLINES
from orders.service import event_data
from orders.tables import orders, packing
from orders.tables import rows as tables
from shared.contracts.events.envelope import Event
from shared.contracts.events.payments import PaymentData, PaymentFailed, PaymentSucceeded
from shared.contracts.events.published import read_event
from shared.runtime import clock
from shared.values.money import Money
from tests.orders.conftest import SHOPPER, Time, place, problem_of, read, rows, token
from tests.orders.samples import quote
from tests.support import Context, call, deliver, idempotency_headers, stream_event


def placed() -> dict[str, Any]:
    order: dict[str, Any] = place({"quote_token": token()}).json
    return order


def payment(order: dict, kind=PaymentSucceeded, payment_id="pay_1", off=0, version=2, **changes) -> Event:
    total = order["total"]
    amount = Money(amount=total["amount"] + off, currency=total["currency"])
    data = PaymentData(
        payment_id=payment_id,
        order_id=order["order_id"],
        user_id="usr_1",
        email="ada@example.com",
        number="7K4M2-9QX2D",
        amount=amount,
        secured=amount,
        captured=amount,
        refunded=Money.zero(total["currency"]),
        status="succeeded",
        **changes,
    )
    event: Event = kind.of(data, subject=payment_id, version=version, at=clock.now())
    return event


def decline(order: dict, version: int = 1, reason: str = "insufficient_funds") -> Event:
    return payment(order, PaymentFailed, version=version, reason=reason)


def row_of(order: dict) -> tables.OrderRow:
    return tables.OrderRow.get("usr_1", order["order_id"])


def types(order: dict) -> list[str]:
    return [entry[1] for entry in json.loads(row_of(order).timeline)]


def cancel(order: dict) -> None:
    call(api, "POST", f"/orders/{order['order_id']}/cancel", caller=SHOPPER, headers=idempotency_headers())


class Lifetime(Context):
    def __init__(self, seconds: float) -> None:
        object.__setattr__(self, "left", seconds)
        super().__init__()

    def get_remaining_time_in_millis(self) -> int:
        return int(self.left * 1000)  # type: ignore[attr-defined]


def test_repeated_payment_events_pay_the_order_once(shop):
    order = placed()
    for _ in range(3):
        assert deliver(consume, payment(order), payment(order)) == []
    shown = read(order["order_id"]).json
    assert (shown["status"], shown["payment_id"], shown["version"]) == ("paid", "pay_1", 3)
    assert row_of(order).expires_at is None
    assert types(order) == ["order.placed", "order.paid"]


@pytest.mark.parametrize("end", ["cancelled", "expired", "paid"])
def test_a_late_payment_is_due_for_refund_once(shop, time, end):
    order = placed()
    if end == "cancelled":
        cancel(order)
    elif end == "expired":
        time.advance(minutes=30)
        assert sweep({}, Context()) == {"expired": 1}
    else:
        deliver(consume, payment(order, payment_id="pay_0"))
    for _ in range(2):
        assert deliver(consume, payment(order)) == []
    row = row_of(order)
    assert (row.status, row.version) == (end, 4)
    assert row.refunds_due == {"pay_1:late": ["pay_1", order["total"]["amount"], "GBP", "order_not_payable"]}


@pytest.mark.parametrize("off", [-1, 1])
def test_a_payment_of_another_amount_is_refunded_and_reported(shop, capsys, off):
    order = placed()
    assert deliver(consume, payment(order, off=off)) == []
    row = row_of(order)
    assert row.status == "awaiting_payment"
    assert row.refunds_due["pay_1:late"][1] == order["total"]["amount"] + off
    assert "PaymentAmountDiffers" in capsys.readouterr().out
    assert deliver(consume, payment(order, payment_id="pay_2")) == []
    assert row_of(order).status == "paid"


def test_declines_are_noted_once_each_up_to_a_limit(shop):
    order = placed()
    assert deliver(consume, decline(order), decline(order)) == []
    assert types(order) == ["order.placed", "payment.failed"]
    for version in range(2, MAX_DECLINES + 20):
        assert deliver(consume, decline(order, version)) == []
    assert types(order).count("payment.failed") == MAX_DECLINES
    deliver(consume, payment(order))
    assert row_of(order).status == "paid"


@pytest.mark.parametrize(
    ("reason", "detail"), [("insufficient_funds", "insufficient_funds"), ("stolen_card", "generic_decline")]
)
def test_the_timeline_hides_confidential_decline_codes(shop, reason, detail):
    order = placed()
    assert deliver(consume, decline(order, reason=reason)) == []
    entry = json.loads(row_of(order).timeline)[-1]
    assert entry[1:4] == ["payment.failed", "stripe", detail]


def test_a_decline_after_the_payment_changes_nothing(shop):
    order = placed()
    deliver(consume, payment(order))
    assert deliver(consume, decline(order)) == []
    assert row_of(order).version == 3


def test_a_payment_before_its_order_is_retried(shop):
    order = {"order_id": "ord_none", "total": {"amount": 1, "currency": "GBP"}}
    assert deliver(consume, payment(order)) == ["m0"]
    good = placed()
    shop.unreachable = True
    assert place({"quote_token": token()}).status == 503
    (pending,) = [row for row in rows() if row.status == "pending"]
    early = payment(order | {"order_id": pending.order_id})
    assert deliver(consume, early, payment(good)) == ["m0"], "the other message is handled"


def test_a_payment_and_the_sweeper_cannot_both_change_an_order(shop, time, monkeypatch):
    order = placed()
    time.advance(minutes=30)
    save = orders.save
    paid: list[bool] = []

    def save_after_payment(changed):
        if not paid:
            paid.append(True)
            deliver(consume, payment(order))
        save(changed)

    monkeypatch.setattr(orders, "save", save_after_payment)
    assert sweep({}, Context()) == {"expired": 0}
    row = row_of(order)
    assert (row.status, row.refunds_due) == ("paid", None)


def test_the_sweeper_expires_overdue_orders_only(shop, time):
    early = [placed() for _ in range(6)]
    deliver(consume, payment(early[0]))
    time.advance(minutes=29)
    late = placed()
    assert sweep({}, Context()) == {"expired": 0}
    time.advance(minutes=1)
    assert sweep({}, Context()) == {"expired": 5}
    assert sweep({}, Context()) == {"expired": 0}
    assert [row_of(order).status for order in early] == ["paid"] + ["expired"] * 5
    assert row_of(late).status == "awaiting_payment"
    shown = read(early[1]["order_id"]).json
    assert (shown["status"], len(shown["lines"])) == ("expired", 3)


def test_the_sweeper_stops_in_time_and_continues_in_the_next_run(shop, time):
    for _ in range(3):
        placed()
    time.advance(minutes=30)
    assert sweep({}, Lifetime(4)) == {"expired": 0}
    assert sweep({}, Lifetime(29)) == {"expired": 3}


def test_an_order_that_cannot_be_expired_does_not_block_the_others(shop, time, monkeypatch):
    bad, *good = [placed() for _ in range(3)]
    row = row_of(bad)
    row.update([tables.OrderRow.terms.set("not JSON")])
    time.advance(minutes=30)
    assert sweep({}, Context()) == {"expired": 2}
    assert [row_of(order).status for order in good] == ["expired", "expired"]


def test_nothing_is_scanned(shop, time, calls):
    order = placed()
    time.advance(minutes=30)
    sweep({}, Context())
    deliver(consume, payment(order))
    assert {name for name, _ in calls} <= {"TransactWriteItems", "PutItem", "GetItem", "Query"}


@pytest.fixture
def images(shop, monkeypatch) -> list[tuple[dict | None, dict]]:
    """The (old, new) images of the table's stream, in order."""
    seen: list[tuple[dict | None, dict]] = []
    last: dict[str, dict] = {}
    to_row = packing.to_row

    def remember(order):
        row = to_row(order)
        new = row.serialize()
        seen.append((last.get(order.order_id), new))
        last[order.order_id] = new
        return row

    monkeypatch.setattr(orders, "to_row", remember)
    return seen


def test_each_change_is_published_under_one_id(shop, images, published):
    order = placed()
    deliver(consume, decline(order), payment(order), payment(order, payment_id="pay_2"))
    for _ in range(2):
        relay(stream_event(*images), Context())
    events = [read_event(message) for message in published("orders")]
    ids = [event.id for event in events]
    kinds = ["order.placed", "order.paid", "order.refund_due"]
    assert [event.type for event in events] == kinds * 2
    assert ids[:3] == ids[3:]
    assert [event.sequence for event in events[:3]] == [1, 2, 3]
    placed_event, paid_event, due = (event.data for event in events[:3])
    assert (placed_event.email, len(placed_event.lines)) == ("ada@example.com", 3)
    assert placed_event.total.model_dump() == order["total"]
    assert placed_event.expires_at is not None
    assert (paid_event.status, paid_event.expires_at) == ("paid", None)
    assert due.refund_key == f"{order['order_id']}:pay_2:late"
    assert due.amount.model_dump() == order["total"]


def test_a_rejected_order_is_published_without_lines(shop, images, published):
    shop.rejection = problem_of("out-of-stock")
    assert place({"quote_token": token()}).status == 409
    relay(stream_event(*images), Context())
    (message,) = published("orders")
    assert message["type"] == "order.cancelled"
    assert (message["data"]["reason"], message["data"]["lines"]) == ("rejected", [])


@pytest.mark.parametrize("source", ["quote", "cart"])
def test_an_order_whose_request_died_expires_without_lines(shop, images, published, time: Time, source):
    where = {"name": "A", "line1": "1", "city": "L", "postal_code": "1", "country": "GB"}
    shop.catalog_commands.handlers.clear()
    assert place({"quote_token": token()} if source == "quote" else {"shipping_address": where}).status >= 500
    time.advance(minutes=2)
    assert sweep({}, Context()) == {"expired": 1}
    relay(stream_event(*images), Context())
    (message,) = published("orders")
    assert (message["type"], message["data"]["lines"]) == ("order.expired", [])


def test_a_cancelled_order_is_published(shop, images, published):
    order = placed()
    cancel(order)
    relay(stream_event(*images), Context())
    messages = published("orders")
    assert [message["type"] for message in messages] == ["order.placed", "order.cancelled"]
    assert messages[1]["data"]["reason"] == "requested_by_customer"
    assert messages[1]["requestid"]


def test_an_order_of_a_thousand_lines_fits_an_event(shop, images, published):
    quoted = quote(1_000, at=clock.now())
    assert place({"quote_token": token(quoted)}).status == 201
    relay(stream_event(*images), Context())
    (message,) = published("orders")
    assert len(message["data"]["lines"]) == 1_000
    order = orders.find("usr_1", message["subject"])
    assert order is not None
    assert event_data.order_data(order).total == quoted.total
