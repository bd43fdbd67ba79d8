"""What the shopper, a parcel or a return does between two of our looks at Stripe."""

import pytest

from payments import stripe_gateway
from payments.service import capturing, refunding, settling, tending
from payments.stripe_gateway import sessions
from shared.errors import Unavailable
from shared.events import RefundDueFacts
from shared.rows import Contended
from tests.payments.samples import held_payment
from tests.payments.test_captures import at_stripe
from tests.payments.test_pages import fill_in, page
from tests.payments.till import gbp


def before_the_first(monkeypatch, what, name, act):
    """Have `act` happen just before the first call of `what.name`."""
    plain = getattr(what, name)
    done: list[bool] = []

    def late(*args, **kwargs):
        if not done:
            done.append(True)
            act()
        return plain(*args, **kwargs)

    monkeypatch.setattr(what, name, late)


def declined_page(till):
    """A page on which a card was declined: its intent is there and waits."""
    till.order()
    opened = page(till).json
    fill_in(opened["checkout_url"], "4000000000000002")
    till.turn()
    return opened


@pytest.mark.parametrize(("how", "status"), [("automatic", "succeeded"), ("manual", "authorized")])
def test_a_page_that_is_paid_while_it_is_looked_at_is_not_taken_for_closed(
    till, request, monkeypatch, how, status
):
    if how == "manual":
        request.getfixturevalue("manual")
    opened = declined_page(till)
    before_the_first(monkeypatch, sessions, "session", lambda: fill_in(opened["checkout_url"]))
    assert settling.settle(opened["payment_id"], till.now()).status == status
    till.turn()
    assert till.status(opened["payment_id"]) == status


def test_another_method_does_not_drop_what_was_just_held(till, manual):
    till.order()
    opened = page(till).json
    fill_in(opened["checkout_url"])
    assert till.pay().status == 409
    assert "payment.authorized" in till.turn()
    held = till.held(opened["payment_id"])
    assert (held.status, held.unwanted) == ("authorized", False)


def test_a_page_that_is_paid_while_another_method_is_asked_for_stays_paid(till, manual, monkeypatch):
    till.order()
    opened = page(till).json
    before_the_first(monkeypatch, sessions, "expire", lambda: fill_in(opened["checkout_url"]))
    assert till.pay().status == 409
    assert "payment.voided" not in till.turn()
    held = till.held(opened["payment_id"])
    assert (held.status, held.unwanted, held.capturable) == ("authorized", False, 2000)


def test_a_hold_that_a_parcel_is_paid_by_at_this_moment_is_not_replaced(till, manual, monkeypatch):
    before, old_intent = held_payment(till)
    till.order(status="paid", expires_at=None)
    till.paid_by["ord_1"] = before
    till.later(days=6, hours=1)
    till.sweep()
    opened = till.pay().json
    till.card(opened["provider_id"])
    new = settling.settle(opened["payment_id"], till.now())
    seen = till.held(before)

    def relieve():
        with monkeypatch.context() as patch:
            patch.setattr(capturing, "collect", lambda *_: seen)  # its look came before the parcel
            with pytest.raises(Contended):
                tending._relieve(new, before, till.now())

    before_the_first(monkeypatch, capturing, "_take", relieve)
    till.hear(till.ship(before, 700))
    till.turn()
    till.sweep_all()
    taken = at_stripe(till, old_intent), at_stripe(till, opened["provider_id"])
    assert sum(captured for _, captured, _ in taken) == 700, taken


def test_a_part_that_comes_back_does_not_let_go_of_what_is_held_for_the_rest(till, manual, monkeypatch):
    payment_id, _ = held_payment(till)

    def refuse(*_):
        raise stripe_gateway.StripeRefused("declined", "Not now.")

    with monkeypatch.context() as patch:
        patch.setattr(stripe_gateway, "capture", refuse)
        till.hear(till.ship(payment_id, 2000, complete=True))
    due = RefundDueFacts(
        order_id="ord_1", payment_id=payment_id, amount=gbp(300), reason="returned", refund_key="ord_1:r"
    )
    with pytest.raises(Unavailable):
        refunding.refund_due(due, till.now())
    held = till.held(payment_id)
    assert (held.capturable, held.unwanted) == (2000, False)
