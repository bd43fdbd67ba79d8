"""What chance decides in the life of a shop, as hypothesis draws it."""

from random import Random

from hypothesis import strategies as st

from tests.simulator.shopping import ADA, BOB, GUEST
from tests.simulator.transport import Fault

ON_HAND = {"RARE": 2, "SOME": 5, "MANY": 60}

people = st.sampled_from([ADA, BOB, GUEST])
wishes = st.tuples(st.sampled_from(list(ON_HAND)), st.integers(1, 3))
cards = st.sampled_from(["pm_card_visa", "pm_card_visa", "pm_card_visa_chargeDeclined"])
stages = st.sampled_from(
    ["paying", "paid", "paid", "shipped", "delivered", "returned", "disputed", "given back in vain"]
)
banks_say = st.sampled_from(
    ["needs_response", "warning_needs_response", "under_review", "won", "lost", "warning_closed"]
)
captures = st.sampled_from(["automatic", "manual"])
keys = st.sampled_from(["", "", "", "k1", "k2"])
# One number each: a drawn order would use up what hypothesis grants a life.
chances = st.integers(0, 9_999).map(Random)
purchases = st.tuples(people, wishes, cards, stages, chances, captures)
paid_purchases = st.tuples(people, wishes, st.just("pm_card_visa"), stages, chances, captures)
troubles = st.tuples(st.integers(1, 8), st.sampled_from(["before", "after", "throttle"]))
faults = st.one_of(st.none(), st.none(), st.none(), troubles.map(lambda trouble: Fault(*trouble)))
settled = st.sampled_from(
    [["approved"], ["approved", "received"], ["approved", "received"], ["rejected"], ["received"]]
)
# What may die or starve while it does what nobody waits for.
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
        "PaymentsInboxRelay",
        "PaymentsWebhook",
        "NotifyConsumer",
    ]
)
