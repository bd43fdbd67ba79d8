"""Hypothesis strategies for people, purchases, faults and the order of deliveries."""

from random import Random

from hypothesis import strategies as st

from tests.simulator.shopping import ADA, BOB, GUEST
from tests.simulator.transport import Fault

ON_HAND = {"RARE": 2, "SOME": 5, "MANY": 60}

people = st.sampled_from([ADA, BOB, GUEST])
items = st.tuples(st.sampled_from(list(ON_HAND)), st.integers(1, 3))
cards = st.sampled_from(["pm_card_visa", "pm_card_visa", "pm_card_visa_chargeDeclined"])
stages = st.sampled_from(
    ["paying", "paid", "paid", "shipped", "delivered", "returned", "disputed", "refund failed"]
)
dispute_statuses = st.sampled_from(
    ["needs_response", "warning_needs_response", "under_review", "won", "lost", "warning_closed"]
)
captures = st.sampled_from(["automatic", "manual"])
keys = st.sampled_from(["", "", "", "k1", "k2"])
# One number each: drawing whole orders of delivery would exhaust hypothesis' buffer.
chances = st.integers(0, 9_999).map(Random)
purchases = st.tuples(people, items, cards, stages, chances, captures)
paid_purchases = st.tuples(people, items, st.just("pm_card_visa"), stages, chances, captures)
fault_points = st.tuples(st.integers(1, 8), st.sampled_from(["before", "after", "throttle"]))
faults = st.one_of(st.none(), st.none(), st.none(), fault_points.map(lambda point: Fault(*point)))
return_decisions = st.sampled_from(
    [["approved"], ["approved", "received"], ["approved", "received"], ["rejected"], ["received"]]
)
# Functions that no request waits for; faults are injected into them.
background = st.sampled_from(
    [
        "OrdersRelay",
        "OrdersConsumer",
        "OrdersInvoices",
        "CatalogRelay",
        "CatalogConsumer",
        "CartConsumer",
        "PaymentsApply",
        "PaymentsConsumer",
        "PaymentsRelay",
        "PaymentsWebhook",
        "NotifyConsumer",
    ]
)
