"""The filter of PaymentsRelay's stream: it passes every change that publishes an event."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from payments.domain import domain_events
from payments.domain.disputes import Dispute
from payments.domain.payments import Payment, Status
from payments.tables.payments import PaymentRow
from tests.payments.samples import AUTHORIZED, PAYMENT, TOTAL, having
from tests.simulator.wiring import Wiring

DISPUTE = Dispute("du_1", "warning_needs_response", TOTAL, "fraudulent")
CHARGEBACK = Dispute("du_1", "needs_response", TOTAL, "fraudulent", withheld=TOTAL)
PAID = having(PAYMENT, status=Status.SUCCEEDED, captures__captured=TOTAL)
STATES = [
    PAYMENT,
    having(PAYMENT, status=Status.PROCESSING),
    having(PAYMENT, decline_id="ch_1", reason="generic_decline"),
    having(PAYMENT, decline_id="ch_2", reason="generic_decline"),
    having(PAYMENT, status=Status.FAILED),
    having(PAYMENT, status=Status.CANCELLED),
    having(PAYMENT, cancel_requested=True),
    having(PAYMENT, review="open"),
    AUTHORIZED,
    having(AUTHORIZED, authorization__expiry_notified=True),
    having(AUTHORIZED, captures__error="expired"),
    PAID,
    having(PAID, republish_count=1),
    having(PAID, disputes__items=(DISPUTE,)),
    having(PAID, status=Status.DISPUTED, disputes__items=(CHARGEBACK,)),
    having(PAID, status=Status.PARTIALLY_REFUNDED, refunds__refunded=1),
    having(PAID, status=Status.REFUNDED, refunds__refunded=TOTAL),
    having(PAID, refunds__failed=1),
]
AWAITING = (Status.REQUIRES_PAYMENT, Status.PROCESSING)
(RELAY,) = [source for source in Wiring().streams if source.function.name == "PaymentsRelay"]


def passes(payment: Payment) -> bool:
    """Return whether the stream invokes PaymentsRelay for a write of the payment."""
    image = PaymentRow.of(payment).serialize()
    keys = {name: image[name] for name in ("pk", "sk")}
    return RELAY.wants({"eventName": "MODIFY", "dynamodb": {"Keys": keys, "NewImage": image}})


@given(st.sampled_from([None, *STATES]), st.sampled_from(STATES))
def test_a_change_that_publishes_passes_the_filter(before, after):
    # An intent that was authorized or captured never awaits the shopper again.
    assume(not (before and before.secured and after.status in AWAITING))
    assert passes(after) or not list(domain_events.derive(before, after))


@pytest.mark.parametrize("payment", STATES[:2])
def test_a_payment_that_awaits_the_shopper_does_not_pass(payment):
    assert not passes(payment)
