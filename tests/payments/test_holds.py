"""Holds that run out: the shopper is asked in time, pays anew, and never pays twice."""

import pytest

from payments import stripe_gateway
from payments.service import capturing, settling, tending
from shared.events import OrderCancelled
from tests.payments.samples import held_payment as held
from tests.payments.test_captures import at_stripe
from tests.support import Context, customer

pytestmark = pytest.mark.usefixtures("manual")


def expiring(till):
    """A held payment of a paid order whose shopper was asked to pay anew."""
    payment_id, provider_id = held(till)
    till.order(status="paid", expires_at=None)
    till.paid_by["ord_1"] = payment_id
    till.later(days=6, hours=1)
    assert till.sweep() == ["payment.expiring"]
    return payment_id, provider_id


def test_a_hold_that_lapses_within_a_day_is_told_of_once(till):
    payment_id, _ = held(till)
    till.later(days=5, hours=23)
    assert till.sweep() == []
    till.later(hours=2)
    assert till.sweep() == ["payment.expiring"]
    till.later(hours=1)
    assert till.sweep() == []
    assert till.held(payment_id).expiring


def test_a_hold_of_which_a_part_was_taken_is_not_told_of(till):
    payment_id, _ = held(till)
    till.hear(till.ship(payment_id, 700))
    till.said()
    till.later(days=6, hours=12)
    assert till.sweep() == []


def test_a_hold_that_lapsed_is_told_and_its_webhook_is_not_needed(till):
    payment_id, _ = expiring(till)
    till.later(days=1, hours=3)
    assert till.sweep() == ["payment.voided"]
    assert till.status(payment_id) == "cancelled"
    assert till.turn() == []
    assert till.sweep() == []


def test_what_was_left_of_a_hold_lapses_and_what_came_in_stays(till):
    payment_id, _ = held(till)
    till.hear(till.ship(payment_id, 700))
    till.said()
    till.later(days=8)
    assert till.turn() == ["payment.voided"]
    payment = till.held(payment_id)
    assert (payment.status, payment.captured, payment.capturable) == ("succeeded", 700, 0)
    till.hear(till.ship(payment_id, 2000, complete=True))
    assert till.said() == ["payment.capture_failed"]


def test_a_shopper_who_pays_anew_is_held_once(till):
    before, old_intent = expiring(till)
    opened = till.pay().json
    assert opened["payment_id"] != before
    assert till.pay().json["payment_id"] == opened["payment_id"], "two tabs"
    assert at_stripe(till, old_intent)[0] == "requires_capture", (
        "the old hold stays until the new one is there"
    )
    till.card(opened["provider_id"])
    assert till.turn() == ["payment.authorized"], "the old one's end is not news: its order has the money"
    assert at_stripe(till, old_intent)[0] == "canceled"
    assert at_stripe(till, opened["provider_id"])[0] == "requires_capture"
    assert till.held(before).replaced_by == opened["payment_id"]
    assert till.turn() == []
    till.paid_by["ord_1"] = opened["payment_id"]
    assert till.pay().status == 409


def test_a_parcel_told_of_the_old_payment_is_taken_from_the_new_one(till):
    before, _ = expiring(till)
    opened = till.pay().json
    till.card(opened["provider_id"])
    till.turn()
    till.hear(till.ship(before, 700))
    assert at_stripe(till, opened["provider_id"]) == ("requires_capture", 700, 1300)


def test_a_process_that_dies_before_the_old_hold_is_let_go_leaves_it_to_the_sweeper(till, monkeypatch):
    _, old_intent = expiring(till)
    opened = till.pay().json
    till.card(opened["provider_id"])
    with monkeypatch.context() as dying:
        dying.setattr(tending, "finish", lambda *_: None)
        till.turn()
    assert at_stripe(till, old_intent)[0] == "requires_capture"
    assert till.sweep_all() == []
    assert at_stripe(till, old_intent)[0] == "canceled"
    assert till.held(opened["payment_id"]).relieved


def test_goods_that_leave_before_the_new_hold_is_there_are_paid_by_the_old_one(till):
    before, old_intent = expiring(till)
    opened = till.pay().json
    till.hear(till.ship(before, 2000, complete=True))
    assert at_stripe(till, old_intent) == ("succeeded", 2000, 0)
    till.card(opened["provider_id"])
    till.turn()
    assert at_stripe(till, opened["provider_id"])[0] == "canceled", "nobody pays twice"


def test_a_parcel_told_of_a_new_payment_that_came_too_late_is_taken_from_the_old_one(till):
    before, old_intent = expiring(till)
    opened = till.pay().json
    till.hear(till.ship(before, 700))
    till.card(opened["provider_id"])
    till.turn()
    assert at_stripe(till, opened["provider_id"])[0] == "canceled"
    till.hear(till.ship(opened["payment_id"], 2000, complete=True))
    assert at_stripe(till, old_intent) == ("succeeded", 2000, 0)
    assert "payment.capture_failed" not in till.said()


def test_a_parcel_whose_payment_gives_its_place_away_meanwhile_is_taken_from_the_new_one(till, monkeypatch):
    before, _ = expiring(till)
    opened = till.pay().json
    real = capturing._bearer

    def overtaken(payment_id):
        found = real(payment_id)
        monkeypatch.setattr(capturing, "_bearer", real)
        till.card(opened["provider_id"])
        till.turn()
        return found

    monkeypatch.setattr(capturing, "_bearer", overtaken)
    till.hear(till.ship(before, 700))
    assert at_stripe(till, opened["provider_id"]) == ("requires_capture", 700, 1300)
    assert "payment.capture_failed" not in till.said()


def test_an_order_that_ends_lets_go_of_both(till):
    _, old_intent = expiring(till)
    opened = till.pay().json
    till.hear(till.end(OrderCancelled))
    assert at_stripe(till, old_intent)[0] == "canceled"
    assert at_stripe(till, opened["provider_id"])[0] == "canceled"


def test_a_paid_order_whose_hold_lasts_is_not_paid_again(till):
    payment_id, _ = held(till)
    till.order(status="paid", expires_at=None)
    till.paid_by["ord_1"] = payment_id
    assert till.pay().status == 409
    assert till.pay(who=customer("usr_2")).status == 404


def test_one_payment_that_cannot_be_helped_does_not_keep_the_others_waiting(till, monkeypatch):
    held(till)
    other = till.order("ord_2", total=500)
    opened = till.pay("ord_2").json
    till.card(opened["provider_id"])
    till.turn()
    till.later(days=6, hours=1)
    real = settling.settle

    def fails_for_one(payment_id, *arguments, **more):
        if payment_id != opened["payment_id"]:
            raise stripe_gateway.StripeUnavailable("No.")
        return real(payment_id, *arguments, **more)

    with monkeypatch.context() as broken:
        broken.setattr(settling, "settle", fails_for_one)
        assert till.sweep() == ["payment.expiring"]
    assert other.order_id == "ord_2"
    assert till.sweep() == ["payment.expiring"], "the next run helps the other"


def test_a_run_without_time_begins_nothing(till):
    held(till)
    till.later(days=6, hours=1)

    class Hurried(Context):
        def get_remaining_time_in_millis(self) -> int:
            return 20_000

    assert till.sweep(Hurried()) == []
    assert till.sweep() == ["payment.expiring"]
