"""Events of refunds, disputes and reviews, and the amounts due for capture."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from orders.app.consume import consume
from orders.domain import fulfilling, paying, placing, returning
from orders.domain.terms import Terms, agree
from orders.domain.timeline import MAX_NOTES
from orders.service import event_data
from orders.tables.packing import to_row
from shared.contracts.events.notify import NotificationBounced, NotificationData
from shared.contracts.events.payments import (
    DisputeData,
    PaymentCaptureFailed,
    PaymentDisputed,
    PaymentRefunded,
    PaymentRefundFailed,
    PaymentReviewed,
    ReviewData,
)
from shared.dynamodb.sizes import size_of
from shared.values.money import Money
from shared.values.money_format import format_money
from tests.orders.conftest import read
from tests.orders.paid_orders import (
    paid,
    publish_payment,
    receive_return,
    set_status,
    state,
    stored_order,
    timeline_details,
)
from tests.orders.samples import ADDRESS, NOW, discounted, gbp, payment_update
from tests.orders.test_domain import terms
from tests.orders.test_events import images, types  # noqa: F401  a fixture
from tests.orders.test_reading import cancel
from tests.support import deliver, staff


def test_a_refund_that_fails_later_is_noted_and_the_order_stays_refunded(shop):
    order = paid()
    total = order["total"]["amount"]
    set_status(order, status="shipped")
    publish_payment(PaymentRefunded, order, version=3, captured=total, refunded=total)
    assert state(order)[0] == "refunded"
    failed = {"captured": total, "refunded": 400, "failed_refund_amount": gbp(total - 400), "version": 5}
    for _ in range(2):
        publish_payment(PaymentRefundFailed, order, **failed)
        publish_payment(PaymentRefunded, order, version=3, captured=total, refunded=total)
    shown = read(order["order_id"]).json
    assert (shown["status"], shown["refunded"]["amount"]) == ("refunded", 400)
    assert timeline_details(order, "refund.failed") == [f"{format_money(gbp(total - 400))} of pay_1"]
    assert stored_order(order).refundable == total - 400
    publish_payment(PaymentRefunded, order, version=6, captured=total, refunded=total)
    assert read(order["order_id"]).json["refunded"]["amount"] == total


def test_amounts_on_the_timeline_are_formatted(shop):
    order = paid()
    total = format_money(Money(**order["total"]))
    assert total.startswith("£") and "." in total
    set_status(order, status="shipped")
    set_status(order, status="delivered")
    return_ = receive_return(order, ("SKU-0000", 1))
    returned = format_money(Money(**return_["refund"]))
    whole = order["total"]["amount"]
    for version, refunded in ((3, 1), (4, whole)):
        publish_payment(PaymentRefunded, order, version=version, captured=whole, refunded=refunded)
    assert timeline_details(order, "order.placed") == [f"total {total}"]
    assert timeline_details(order, "refund.due") == [f"{returned}, goods_returned"]
    rest = format_money(gbp(whole - 1))
    assert timeline_details(order, "refund.made") == ["£0.01 of pay_1", f"{rest} of pay_1"]
    assert timeline_details(order, "order.refunded") == [total]


def test_disputes_reviews_and_bounces_are_noted_once(shop):
    order = paid()
    about = {"order_id": order["order_id"], "number": order["number"], "user_id": "usr_1"}
    dispute = DisputeData(
        payment_id="pay_1",
        dispute_id="dp_1",
        status="needs_response",
        reason="fraudulent",
        amount=gbp(500),
        withheld=gbp(500),
        evidence_due=NOW,
        **about,
    )
    review = ReviewData(payment_id="pay_1", status="open", **about)
    bounce = NotificationData(
        notification_id="ntf_1",
        template="order_confirmation",
        channel="email",
        status="bounced",
        reason="no such mailbox",
        order_id=order["order_id"],
        instead="sms",
    )
    won = dispute.model_copy(update={"status": "won", "evidence_due": None})
    events = [
        PaymentDisputed.of(dispute, subject="dp_1", version=3, at=NOW),
        PaymentDisputed.of(won, subject="dp_1", version=4, at=NOW),
        PaymentReviewed.of(review, subject="pay_1", version=3, at=NOW),
        NotificationBounced.of(bounce, subject="ntf_1", version=2, at=NOW),
        NotificationBounced.of(
            bounce.model_copy(update={"order_id": None}), subject="ntf_2", version=2, at=NOW
        ),
    ]
    for _ in range(2):
        assert deliver(consume, *events) == []
    publish_payment(
        PaymentCaptureFailed, order, version=9, reason="expired\ncard", captured=order["total"]["amount"]
    )
    assert timeline_details(order, "payment.disputed") == [
        "needs_response: £5.00, fraudulent, evidence due by 21 November 2026",
        "won: £5.00, fraudulent",
    ]
    assert timeline_details(order, "notification.bounced") == [
        "order_confirmation email bounced, sent by sms instead"
    ]
    assert timeline_details(order, "payment.capture_failed") == ["pay_1: expired card"]
    assert timeline_details(order, "payment.reviewed") == [], "the review is hidden from the owner"
    assert timeline_details(order, "payment.reviewed", staff()) == ["open"]


def test_notes_of_other_services_are_limited(shop):
    order = paid()
    before = size_of(to_row(stored_order(order)).serialize())
    for n in range(MAX_NOTES + 5):
        publish_payment(PaymentCaptureFailed, order, version=n + 3, reason="\N{GRINNING FACE}" * 300)
    for n in range(5):
        publish_payment(PaymentRefunded, order, version=n + 3, refunded=n + 1)
    known = stored_order(order)
    assert len(known.timeline) == 2 + MAX_NOTES
    assert size_of(to_row(known).serialize()) < before + 60_000
    assert known.refunded == 5, "totals are stored without their timeline entries"
    assert cancel(order["order_id"]).status == 200


def test_a_free_order_that_is_returned_completely_is_refunded(shop):
    order = placing.place(placing.open_order("ord_1", "usr_1", NOW), free_terms())
    order = fulfilling.ship(order, "ful_1", None, None, None, "staff", NOW)
    window = timedelta(days=30)
    for n, part in enumerate([[("SKU-0000", 1), ("SKU-0001", 2)], [("SKU-0002", 3)]]):
        assert order.status == "shipped"
        order = returning.request(order, f"ret_{n}", part, "no", window, NOW)
        order = returning.decide(order, f"ret_{n}", True, "staff", NOW)
        before = order.version
        order = returning.receive(order, f"ret_{n}", True, None, "staff", NOW)
        assert order.version == before + 1
    assert (order.status, order.refunds_due) == ("refunded", {})
    assert order.timeline[-1].detail == "£0.00"


def free_terms() -> Terms:
    agreed = terms()
    lines = tuple(line.model_copy(update={"discount": line.line_total, "tax": None}) for line in agreed.lines)
    zero = gbp(0)
    return replace(
        agreed,
        lines=lines,
        discount=agreed.subtotal,
        shipping=zero,
        tax=zero,
        shipping_tax=zero,
        total=zero,
    )


@given(
    discounts=st.lists(st.integers(0, 1_000), min_size=3, max_size=3),
    inclusive=st.booleans(),
    order_of_pieces=st.permutations([0, 1, 1, 2, 2, 2]),
    together=st.integers(1, 6),
)
def test_the_capture_due_grows_with_each_fulfilment_up_to_the_total(
    discounts, inclusive, order_of_pieces, together
):
    quoted = discounted(discounts, inclusive=inclusive)
    agreed_on = agree(quoted, ADDRESS, "a@example.com", NOW, timedelta(minutes=30))
    order = placing.place(placing.open_order("ord_1", "usr_1", NOW), agreed_on)
    order = paying.apply_payment(order, payment_update(agreed_on.total.amount, captured=0), NOW)
    due = [0]
    for at in range(0, 6, together):
        pieces = [(f"SKU-{place:04}", 1) for place in order_of_pieces[at : at + together]]
        order = fulfilling.ship(order, f"ful_{at}", pieces, None, None, "staff", NOW)
        fulfilment = event_data.fulfilment_data(order, f"ful_{at}")
        assert (fulfilment.payment_id, fulfilment.capture_due.currency) == ("pay_1", "GBP")
        assert fulfilment.capture_due.amount >= max(due[-1], agreed_on.shipping_price)
        due.append(fulfilment.capture_due.amount)
    assert fulfilment.fully_shipped
    assert due[-1] == agreed_on.total.amount
    assert [
        event_data.fulfilment_data(order, f"ful_{at}").capture_due.amount for at in range(0, 6, together)
    ] == due[1:]
