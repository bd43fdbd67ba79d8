"""Every figure from outside, expected beside found."""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from localstack.demo.replay import evidence
from localstack.demo.replay.returns import Parcel
from localstack.demo.replay.selling import Selling

Figure = tuple[str, int, int]
GRACE_SECONDS = 2  # in which a mail that is one too many would come


def audit(selling: Selling, parcels: Sequence[Parcel], before: dict[str, Any]) -> bool:
    """Print what is expected and what is found; whether all agrees."""
    invoiced = evidence.awaited(
        lambda: evidence.orders_of(selling), lambda found: all(o["invoice_number"] for o in found.values())
    )
    figures = [
        *_orders(selling, parcels, invoiced),
        *_money(selling, parcels, invoiced),
        *_goods(selling, parcels, before),
        *_invoices(selling, invoiced),
        *_letters(selling, parcels),
    ]
    print(f"\n{'audit':<48}{'expected':>12}{'found':>12}")
    for name, wanted, found in figures:
        print(f"{name:<48}{wanted:>12,}{found:>12,}   {'ok' if wanted == found else 'WRONG'}")
    clean = all(wanted == found for _, wanted, found in figures)
    print("\nThe audit is clean." if clean else "\nThe audit found differences.")
    return clean


def _orders(selling: Selling, parcels: Sequence[Parcel], orders: dict[str, Any]) -> list[Figure]:
    delivered = {parcel.sale.invoice for parcel in parcels}
    statuses = Counter(order["status"] for order in orders.values())
    back = sum(sum(parcel.pieces.values()) for parcel in parcels)
    found = sum(line["returned"] for order in orders.values() for line in order["lines"])
    received = [made for o in orders.values() for made in o["returns"] if made["status"] == "received"]
    return [
        ("orders", len(selling.sales), len(orders)),
        ("orders that are paid", len(selling.sales) - len(delivered), statuses["paid"]),
        ("orders that are delivered", len(delivered), statuses["delivered"]),
        ("returns received", len(parcels), len(received)),
        ("pieces returned, as the orders say", back, found),
    ]


def _money(selling: Selling, parcels: Sequence[Parcel], orders: dict[str, Any]) -> list[Figure]:
    """In pence, at Stripe and as the orders say."""
    sold, back = sum(sale.total for sale in selling.sales), sum(parcel.pence for parcel in parcels)
    intents = {
        intent["id"]: intent
        for intent in evidence.at_stripe(selling.cloud, "payment_intents")
        if intent["metadata"].get("order_id") in orders
    }
    captured: Counter[str] = Counter()
    refunded: Counter[str] = Counter()
    for intent in intents.values():
        captured[intent["metadata"]["order_id"]] += intent["amount_received"]
    refunds = [r for r in evidence.at_stripe(selling.cloud, "refunds") if r["payment_intent"] in intents]
    for refund in refunds:
        refunded[intents[refund["payment_intent"]]["metadata"]["order_id"]] += refund["amount"]
    succeeded = sum(intent["status"] == "succeeded" for intent in intents.values())
    agree = sum(
        (order["total"]["amount"], order["refunded"]["amount"]) == (captured[key], refunded[key])
        for key, order in orders.items()
    )
    return [
        ("sum of the orders' totals, pence", sold, sum(o["total"]["amount"] for o in orders.values())),
        ("PaymentIntents that succeeded", len(selling.sales), succeeded),
        ("Stripe captured, pence", sold, captured.total()),
        ("refunds at Stripe", len(parcels), len(refunds)),
        ("Stripe gave back, pence", back, refunded.total()),
        ("kept, pence", sold - back, captured.total() - refunded.total()),
        ("orders that say the same as Stripe", len(selling.sales), agree),
    ]


def _goods(selling: Selling, parcels: Sequence[Parcel], before: dict[str, Any]) -> list[Figure]:
    sold: Counter[str] = Counter()
    back: Counter[str] = Counter()
    for sale in selling.sales:
        sold.update(sale.quantities)
    for parcel in parcels:
        back.update(parcel.pieces)

    def fallen(now: dict[str, Any]) -> dict[str, int]:
        return {sku: before[sku]["on_hand"] - now[sku]["on_hand"] for sku in before}

    left = {sku: sold[sku] - back[sku] for sku in sold}
    after = evidence.awaited(
        lambda: evidence.stock(selling.staff, before),
        lambda now: fallen(now) == left and not any(entry["reserved"] for entry in now.values()),
    )
    fell = fallen(after)
    return [
        ("SKUs", len(sold), len(fell)),
        ("pieces sold, less those that came back", sold.total() - back.total(), sum(fell.values())),
        ("SKUs whose stock fell by just that", len(left), sum(fell[sku] == left[sku] for sku in left)),
        ("pieces still reserved", 0, sum(entry["reserved"] for entry in after.values())),
    ]


def _invoices(selling: Selling, orders: dict[str, Any]) -> list[Figure]:
    """All numbers differ, and none is missing between them: what ours did not get, orders of others have."""
    ours = [order["invoice_number"] for order in orders.values() if order["invoice_number"]]
    others = [
        order["invoice_number"]
        for order in evidence.orders_meanwhile(selling)
        if order["invoice_number"] and order["order_id"] not in orders
    ]
    span = between(ours)
    of_others = len(span.intersection(others))
    return [
        ("orders with an invoice", len(selling.sales), len(ours)),
        ("invoice numbers, all different", len(selling.sales), len({*ours})),
        (
            f"numbers from first to last{f', {of_others} of them others' if of_others else ''}",
            len(span),
            len(span.intersection([*ours, *others])),
        ),
    ]


def between(numbers: Sequence[str]) -> set[str]:
    """Every invoice number from the first to the last of each year: `2026-000001` …"""
    years: dict[str, list[int]] = {}
    for number in numbers:
        year, _, place = number.partition("-")
        years.setdefault(year, []).append(int(place))
    return {
        f"{year}-{place:06}"
        for year, places in years.items()
        for place in range(min(places), max(places) + 1)
    }


def _letters(selling: Selling, parcels: Sequence[Parcel]) -> list[Figure]:
    sales = Counter(sale.customer for sale in selling.sales)
    wanted = {c: Counter({"welcome": 1, "confirmed": n, "invoice": n}) for c, n in sales.items()}
    for customer, _ in {(parcel.sale.customer, parcel.sale.invoice) for parcel in parcels}:
        wanted[customer].update(["shipped", "delivered"])
    for parcel in parcels:
        wanted[parcel.sale.customer].update(["return approved", "return received", "refunded"])
    all_wanted = sum(wanted.values(), Counter())
    evidence.awaited(lambda: evidence.post(selling), lambda now: sum(now.values(), Counter()) >= all_wanted)
    time.sleep(GRACE_SECONDS)
    post = evidence.post(selling)
    found = sum(post.values(), Counter())
    return [
        *((f"letters: {name}", all_wanted[name], found[name]) for name in sorted(all_wanted | found)),
        ("customers with each letter once", len(wanted), sum(post[c] == wanted[c] for c in wanted)),
    ]
